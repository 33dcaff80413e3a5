// Package replay packs a recorded list of pods onto a recorded list of nodes, pod after pod in a seeded order and without departures,
// and tells how much of the accelerators is allocated as load arrives. The order of arrivals, the ranks of nodes and the measure are
// those of the evaluation of FGD (Weng et al., "Beware of Fragmentation", USENIX ATC'23), draw for draw, so that its published figures
// come out again.
package replay
