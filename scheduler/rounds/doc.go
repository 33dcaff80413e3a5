// Package rounds reads the Rounds that the operator writes and tells which pod
// they send to which node (docs/architecture.md, Round).
//
// It knows no Kubernetes type, does no I/O and reads no clock: the answer follows
// from the Rounds and the pods that exist, so that a scheduler that has just
// started and one that has run for weeks agree.
package rounds
