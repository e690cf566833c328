// Package model compares what the API families list with a model of the rules
// that is small enough to be believed.
package model
