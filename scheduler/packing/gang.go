package packing

import "math/bits"

// Anywhere is the level of a wish that is not there, and of the whole site.
const Anywhere = -1

// Gang is Count equal pods, or at least MinCount of them, and how they shall lie. Levels count from 0, the widest.
type Gang struct {
	Pod      Amounts
	MinCount int64
	Count    int64

	Level        int64 // all inside one domain of this level
	Preferred    int64 // in as few domains as can be, down to this level
	Segment      int64 // each so many consecutive ranks (1: no wish)
	SegmentLevel int64 // inside one domain of this level
	SpreadLevel  int64 // equally many segments in each domain of this level that is used,
	MinDomains   int64 // at least so many,
	MaxSkew      int64 // and differing by so many at most
}

// GangFields is the length of a gang in flat form: the pod's amounts, then the fields of Gang in their order.
const GangFields = AmountFields + 9

// ReadGang takes a gang of GangFields numbers from its flat form; what they mean is for Place to check.
func ReadGang(flat []int64) Gang {
	wishes := flat[AmountFields:]
	return Gang{
		Pod: Amounts(flat), MinCount: wishes[0], Count: wishes[1],
		Level: wishes[2], Preferred: wishes[3], Segment: wishes[4], SegmentLevel: wishes[5],
		SpreadLevel: wishes[6], MinDomains: wishes[7], MaxSkew: wishes[8],
	}
}

// PlainGang is a gang with no wish but a level.
func PlainGang(pod Amounts, minCount, count, level int64) Gang {
	return Gang{
		Pod: pod, MinCount: minCount, Count: count, Level: level,
		Preferred: Anywhere, Segment: 1, SegmentLevel: Anywhere, SpreadLevel: Anywhere,
	}
}

// lossScale and lossBits keep the loss of a domain in 64 bits, whatever its size: it is told in 1024ths of a pod, and only the first
// lossBits of a size count.
const (
	lossScale = 1 << 10
	lossBits  = 26
)

// countLost is what later gangs cannot use of a domain with room for so many units, `whole` when it is empty: of all sizes up to the whole
// domain, those larger than what is left lose all of it, so on average units * (whole - units) / whole.
func countLost(units, whole int64) int64 {
	if whole <= 0 {
		return 0
	}
	shift := max(0, bits.Len64(uint64(whole))-lossBits)
	size, room := whole>>shift, min(units, whole)>>shift
	return room * (size - room) * lossScale / size << shift
}
