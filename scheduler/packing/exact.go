package packing

import "math"

// Prices are learned in floating point, and must be the same on every machine and in Python. So the only operations used are those that
// IEEE 754 defines to the last bit. (The conversions around products keep the compiler from fusing them with sums.)

const (
	log2e    = 1.4426950408889634
	ln2High  = 0.693147180369123816490
	ln2Low   = 1.90821492927058770002e-10
	halfRoot = 0.7071067811865476
	leastExp = -700
)

var expTerms = [...]float64{ // 1/13! .. 1/0!
	1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040, 1.0 / 720,
	1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5, 1, 1,
}

// exp is e to the power of x, to about 1e-15; 0 for x below leastExp.
func exp(x float64) float64 {
	if x < leastExp {
		return 0
	}
	k := math.Floor(float64(x*log2e) + 0.5)
	r := x - float64(k*ln2High)
	r -= float64(k * ln2Low)
	sum := 0.0
	for _, term := range expTerms {
		sum = float64(sum*r) + term
	}
	return math.Ldexp(sum, int(k))
}

// log is the natural logarithm of x >= 1, to about 1e-14.
func log(x float64) float64 {
	m, e := math.Frexp(x)
	if m < halfRoot {
		m, e = float64(m*2), e-1
	}
	f := (m - 1) / (m + 1)
	square := float64(f * f)
	sum := 0.0
	for odd := 17; odd >= 1; odd -= 2 {
		sum = float64(sum*square) + 1/float64(odd)
	}
	return float64(float64(2*f)*sum) + float64(float64(e)*(ln2High+ln2Low))
}
