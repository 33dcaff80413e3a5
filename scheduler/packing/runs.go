package packing

// A run is a chain of candidate nodes in the same state, in the order of the topology: all have the same score, so the first one stands for all.
type run struct {
	delta, gpu, cpu int64 // of one more pod: growth of the loss, free accelerators and processors after it
	place           int32 // of its first node, in the order of the site
}

func (a *run) before(b *run) bool {
	switch {
	case a.delta != b.delta:
		return a.delta < b.delta
	case a.gpu != b.gpu:
		return a.gpu < b.gpu
	case a.cpu != b.cpu:
		return a.cpu < b.cpu
	default:
		return a.place < b.place
	}
}

// runs is a binary heap, the best run first. (container/heap would box every run.)
type runs []run

func (r *runs) push(one run) {
	*r = append(*r, one)
	heap := *r
	for i := len(heap) - 1; i > 0; {
		parent := (i - 1) / 2
		if !heap[i].before(&heap[parent]) {
			return
		}
		heap[i], heap[parent] = heap[parent], heap[i]
		i = parent
	}
}

// pop drops the best run.
func (r *runs) pop() {
	heap := *r
	last := len(heap) - 1
	heap[0] = heap[last]
	*r = heap[:last]
	r.settle()
}

// settle restores the order after the first run has become worse.
func (r *runs) settle() {
	heap := *r
	for i := 0; ; {
		best := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(heap); child++ {
			if heap[child].before(&heap[best]) {
				best = child
			}
		}
		if best == i {
			return
		}
		heap[i], heap[best] = heap[best], heap[i]
		i = best
	}
}
