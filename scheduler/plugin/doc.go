// Package plugin makes kube-scheduler obey Rounds: it holds the pods that no Round
// names, sends the others to the node that was promised to them, and lets nobody
// preempt for them.
//
// It is thin on purpose: what a Round means is in package rounds, what a node is
// worth in package packing; here both are translated to the scheduler's terms. It
// writes nothing to the API.
package plugin
