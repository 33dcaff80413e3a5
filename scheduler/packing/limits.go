package packing

import "errors"

// Bounds of what goes in. With them no sum or product of the package leaves 64 bits: what a node is worth stays within 2^59 (prices.go cuts
// off what is beyond), a domain's free accelerators within MaxNodes * MaxGPU = 2^56.
const (
	MaxGPU         = 1 << 32
	MaxAmount      = 1 << 50
	MaxTotalWeight = 1 << 28
	MaxCount       = 1 << 20
	MaxNodes       = 1 << 24
	MaxLevels      = 1 << 4
	MaxClasses     = 1 << 16
	MaxSites       = 1 << 16
)

// MaxLookahead is how many pods (or segments) of a gang are shared out among domains exactly; what is beyond goes to the largest first.
const MaxLookahead = 1 << 11

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
	case len(f.Capacity) != len(f.Free):
		return ErrLength
	case nodes > MaxNodes, len(f.Classes) > MaxClasses*ClassFields, len(f.Domains) != f.Levels*nodes:
		return ErrLength
	}
	return nil
}

// checkNested refuses domains that lie in two wider ones at once.
func checkNested(rows [][]int32) error {
	for level := 1; level < len(rows); level++ {
		first := make([]int32, len(rows[level]))
		for i := range first {
			first[i] = none
		}
		for node, domain := range rows[level] {
			if domain == none {
				continue
			}
			if first[domain] == none {
				first[domain] = int32(node)
			}
			for _, wider := range rows[:level] {
				if wider[node] != wider[first[domain]] {
					return ErrValue
				}
			}
		}
	}
	return nil
}

func checkGang(g Gang, levels int) error {
	if err := checkShape(g.Pod); err != nil {
		return err
	}
	if g.Count < 1 || g.MinCount < 0 || g.MinCount > g.Count {
		return ErrValue
	}
	for _, level := range []int64{g.Level, g.Preferred, g.SegmentLevel, g.SpreadLevel} {
		if level < Anywhere || level >= int64(levels) {
			return ErrValue
		}
	}
	switch {
	case g.Segment < 1, (g.Segment == 1) != (g.SegmentLevel == Anywhere):
		return ErrValue
	case g.Segment > MaxCount:
		return ErrOverflow
	case g.Segment > 1 && g.SegmentLevel < g.Level:
		return ErrValue
	}
	if err := checkSpread(g); err != nil {
		return err
	}
	if g.Count > MaxCount {
		return ErrOverflow
	}
	return nil
}

func checkSpread(g Gang) error {
	switch {
	case g.SpreadLevel == Anywhere && g.MinDomains == 0 && g.MaxSkew == 0:
		return nil
	case g.SpreadLevel == Anywhere, g.MinDomains < 1, g.MaxSkew < 0, g.SpreadLevel <= g.Level:
		return ErrValue
	case g.Segment > 1 && g.SpreadLevel > g.SegmentLevel:
		return ErrValue
	case max(g.Count/g.Segment, g.MinDomains, g.MaxSkew) > MaxLookahead:
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
