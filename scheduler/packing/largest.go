package packing

// largest knows the largest of some numbers while they change: a binary tree of maxima.
type largest struct {
	tree []int64
	from int
}

func newLargest(numbers int) largest {
	from := 1
	for from < numbers {
		from *= 2
	}
	return largest{tree: make([]int64, 2*from), from: from}
}

func (l *largest) set(index int, number int64) {
	at := l.from + index
	l.tree[at] = number
	for at /= 2; at > 0; at /= 2 {
		above := max(l.tree[2*at], l.tree[2*at+1])
		if l.tree[at] == above {
			return
		}
		l.tree[at] = above
	}
}

// most is the largest number, 0 if there are none.
func (l *largest) most() int64 { return l.tree[1] }
