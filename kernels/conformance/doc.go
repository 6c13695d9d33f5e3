// Package conformance checks a kernels.Device against the meaning of every
// declared operation. It needs nothing of the device but the interface, so
// that the author of another backend can run it on theirs:
//
//	func TestMyDevice(t *testing.T) { conformance.Test(t, mydevice.New()) }
//
// Each operation runs on the cases of its declaration. Outputs are compared
// with the float64 reference within the operation's tolerance; the words
// behind each output must be untouched; NaN and infinities must come out where
// the reference has them. Gradients checks every differentiable function
// against central differences in float64.
package conformance
