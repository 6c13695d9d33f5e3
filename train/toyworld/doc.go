// Package toyworld makes a small world in which everything is known: scenes of
// one to three coloured solids drawn by rule, NeRFs fitted to them, and
// captions, questions and answers about them, in the file layout of the
// published data sets.
//
// A scene depends on the seed, its split and its index alone: not on how many
// scenes are made, on threads or on the device.
//
// The box is [-0.7, 0.7]^3; x points right, y away from the viewer and z up,
// so that "in front of" means a smaller y.
package toyworld
