package packing

// Positions in an amount vector.
const (
	GPU      = iota // milli-accelerators
	CPU             // milli-processors
	Memory          // bytes
	Pods            // pods
	nAmounts        // how many there are
)

// AmountFields and ClassFields are the lengths of an amount vector and of a class (amounts and a weight) in flat form.
const (
	AmountFields = nAmounts
	ClassFields  = nAmounts + 1
)

// Amounts is what a pod needs or a node has free: milli-accelerators, milli-processors, bytes of memory, pods.
type Amounts [nAmounts]int64

func (a Amounts) plus(b Amounts) Amounts {
	for i := range a {
		a[i] += b[i]
	}
	return a
}

func (a Amounts) minus(b Amounts) Amounts {
	for i := range a {
		a[i] -= b[i]
	}
	return a
}

// units is how many pods of the shape fit: none into an overdrawn node, and none of a shape that needs nothing.
func (a Amounts) units(shape Amounts) int64 {
	fit := int64(-1)
	for i, need := range shape {
		if need <= 0 {
			continue
		}
		if a[i] < need {
			return 0
		}
		if n := a[i] / need; fit < 0 || n < fit {
			fit = n
		}
	}
	return max(fit, 0)
}
