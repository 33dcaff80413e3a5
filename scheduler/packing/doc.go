// Package packing decides which nodes a pod or a gang gets.
//
// It knows numbers only: no Kubernetes types, names, clocks or logs. The same code answers the operator (through cmd/libpacking), the
// scheduler plugin and the simulator; operator/commonpool/engine/reference.py says what is right, in plain words, and this package
// gives the same answers, ties included.
package packing
