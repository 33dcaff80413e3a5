package packing

// Class is a shape of pod of which more is expected, and how much that matters beside the other classes.
type Class struct {
	Shape  Amounts
	Weight int64
}

// lost is the weighted sum of what each class with accelerators cannot use of the node. Within the limits of this package it is exact;
// beyond them it may wrap around, but it never panics.
//
// What class c has lost of a node is the part of its free accelerators that c cannot use, however many pods of it came:
// free_gpu - units_c * gpu_c. This is the multi-unit form of fragmentation gradient descent (FGD, USENIX ATC'23, section 4).
func lost(free Amounts, classes []Class) int64 {
	total := int64(0)
	for i := range classes {
		class := &classes[i]
		if gpu := class.Shape[GPU]; gpu > 0 {
			total += class.Weight * (free[GPU] - free.units(class.Shape)*gpu)
		}
	}
	return total
}
