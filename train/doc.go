// Package train holds what training needs: optimisers, schedules, the loop
// that logs, saves and resumes, the data of each task and its loss. It does
// not know the command line.
package train
