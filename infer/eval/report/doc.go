// Package report shows evaluations of one or several models side by side: a
// table with bootstrap intervals and paired tests, as text, Markdown and CSV,
// and a self-contained HTML page with the distributions of the scores, the best
// and worst answers, and pictures of the objects where their NeRFs are at hand.
package report
