package packing

import "errors"

// Bounds of what goes in. With them no sum or product of the package leaves 64 bits: a node's weighted loss stays within
// MaxGPU * MaxTotalWeight = 2^60, a domain's free accelerators within MaxNodes * MaxGPU = 2^56.
const (
	MaxGPU         = 1 << 32
	MaxAmount      = 1 << 50
	MaxTotalWeight = 1 << 28
	MaxCount       = 1 << 20
	MaxNodes       = 1 << 24
	MaxLevels      = 1 << 4
	MaxClasses     = 1 << 16
)

// What a call can be refused for; nothing has changed then.
var (
	ErrLength   = errors.New("the lengths do not belong together")
	ErrValue    = errors.New("a value means nothing")
	ErrOverflow = errors.New("a value is beyond the limits")
)

var limits = Amounts{GPU: MaxGPU, CPU: MaxAmount, Memory: MaxAmount, Pods: MaxAmount}

func checkWithinLimits(a Amounts) error {
	for i, amount := range a {
		if amount < -limits[i] || amount > limits[i] {
			return ErrOverflow
		}
	}
	return nil
}

// checkShape refuses a pod that needs less than nothing, or nothing at all.
func checkShape(a Amounts) error {
	needs := false
	for _, amount := range a {
		if amount < 0 {
			return ErrValue
		}
		needs = needs || amount > 0
	}
	if !needs {
		return ErrValue
	}
	return checkWithinLimits(a)
}

func checkLengths(f Fleet, nodes int) error {
	switch {
	case len(f.Free)%AmountFields != 0, len(f.Classes)%ClassFields != 0, f.Levels < 0, f.Levels > MaxLevels:
		return ErrLength
	case nodes > MaxNodes, len(f.Classes) > MaxClasses*ClassFields, len(f.Domains) != f.Levels*nodes:
		return ErrLength
	}
	return nil
}

func checkGang(g Gang, levels int) error {
	if err := checkShape(g.Pod); err != nil {
		return err
	}
	switch {
	case g.Count < 1, g.MinCount < 0, g.MinCount > g.Count:
		return ErrValue
	case g.Level < Anywhere, g.Level >= int64(levels):
		return ErrValue
	case g.Count > MaxCount:
		return ErrOverflow
	}
	return nil
}

func checkEligible(eligible []int64, nodes int) error {
	previous := int64(-1)
	for _, node := range eligible {
		if node <= previous {
			return ErrValue
		}
		previous = node
	}
	if previous >= int64(nodes) {
		return ErrValue
	}
	return nil
}
