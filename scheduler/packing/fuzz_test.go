package packing

import (
	"slices"
	"testing"
)

// reader turns a fuzzer's bytes into numbers: mostly small ones, where packing happens, and some at and beyond the limits.
type reader struct{ bytes []byte }

func (r *reader) next() int64 {
	if len(r.bytes) == 0 {
		return 0
	}
	b := r.bytes[0]
	r.bytes = r.bytes[1:]
	switch {
	case b < 224:
		return int64(b % 32)
	case b < 240:
		return -int64(b % 16)
	default:
		return [...]int64{MaxGPU, MaxGPU + 1, MaxAmount, MaxAmount + 1, 1 << 12, MaxCount + 1, -1 << 63, 1<<63 - 1}[b%8]
	}
}

func (r *reader) many(n int64) []int64 {
	out := make([]int64, min(max(n, 0), 256))
	for i := range out {
		out[i] = r.next()
	}
	return out
}

// FuzzPacking drives a packing with whatever comes and checks after every call that it promised no more than there is.
func FuzzPacking(f *testing.F) {
	f.Add([]byte{3, 8, 64, 64, 10, 8, 64, 64, 10, 4, 64, 64, 10, 1, 0, 0, 1, 1, 4, 1, 1, 1, 2, 0, 2, 1, 1, 1, 1, 4, 0, 3, 0, 1, 2})
	f.Add([]byte{1, 255, 254, 253, 252, 0, 0, 1, 0, 8, 1, 1, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		r := &reader{data}
		nodes := r.next() % 32
		fleet := Fleet{Free: r.many(nodes * AmountFields), Levels: int(r.next() % 4)}
		fleet.Capacity = fleet.Free
		fleet.Domains = r.nested(fleet.Levels, nodes)
		fleet.Classes = r.many(r.next() % 4 * ClassFields)
		p, err := Open(fleet)
		if err != nil {
			return
		}
		for len(r.bytes) > 0 {
			if r.next()%4 == 0 {
				_ = p.Add(r.next(), Amounts(r.many(AmountFields)))
				continue
			}
			gang := ReadGang(r.many(GangFields))
			for _, level := range []*int64{&gang.Level, &gang.Preferred, &gang.SegmentLevel, &gang.SpreadLevel} {
				*level-- // so that zero is no wish
			}
			if r.next()%3 == 0 {
				gang = PlainGang(gang.Pod, gang.MinCount, gang.Count, gang.Level)
			}
			site, err := p.Select(r.many(r.next()))
			if err != nil {
				site = r.bytesLeft() % 4
			}
			checkPlace(t, p, gang, int64(site))
		}
		checkStates(t, p)
	})
}

func (r *reader) bytesLeft() int { return len(r.bytes) }

// nested draws domains that lie in one another, or now and then anything.
func (r *reader) nested(levels int, nodes int64) []int64 {
	if r.next()%8 == 7 {
		return r.many(int64(levels) * nodes)
	}
	out := make([]int64, 0, int64(max(levels, 0))*max(nodes, 0))
	width := nodes
	for range levels {
		width = max(1, width/2)
		for node := range nodes {
			out = append(out, node/width)
		}
	}
	return out
}

func checkPlace(t *testing.T, p *Packing, gang Gang, site int64) {
	before := make([]Amounts, len(p.slots))
	for node, slot := range p.slots {
		before[node] = p.states.slots[slot].free
	}
	out := make([]int64, min(max(gang.Count, 0), MaxCount))
	placed, fits, err := p.Place(gang, site, out)
	if err != nil {
		return
	}
	if placed != 0 && (int64(placed) != fits || fits < gang.MinCount) || fits > gang.Count {
		t.Fatalf("placed %d, fits %d of %+v", placed, fits, gang)
	}
	checkSearches(t, p)
	for _, node := range out[:placed] {
		before[node] = before[node].minus(gang.Pod)
		for i, amount := range before[node] {
			if amount < 0 && gang.Pod[i] > 0 {
				t.Fatalf("node %d has %v left", node, before[node])
			}
		}
	}
	for node, slot := range p.slots {
		if p.states.slots[slot].free != before[node] {
			t.Fatalf("node %d has %v left, not %v", node, p.states.slots[slot].free, before[node])
		}
	}
}

// checkStates counts again what the states know by heart.
func checkStates(t *testing.T, p *Packing) {
	counts := make(map[int32]int32)
	for _, slot := range p.slots {
		counts[slot]++
	}
	if len(counts) != len(p.states.index) {
		t.Fatalf("%d states are in use, %d are known", len(counts), len(p.states.index))
	}
	for free, slot := range p.states.index {
		st := p.states.slots[slot]
		if st.free != free || st.nodes != counts[slot] || st.worth != p.states.prices.worth(free) {
			t.Fatalf("state %+v of %v has %d nodes", st, free, counts[slot])
		}
	}
}

// checkSearches counts again what the searches know by heart, and asks all nodes who is best.
func checkSearches(t *testing.T, p *Packing) {
	for asked, s := range p.searches {
		s.follow()
		fresh := newSearch(p, s.site, s.gang)
		fresh.follow()
		for d := range s.sums {
			if s.sums[d] != fresh.sums[d] {
				t.Fatalf("domain %d of %+v has %+v, not %+v", d, asked, s.sums[d], fresh.sums[d])
			}
		}
		if s.rooms.most() != fresh.rooms.most() {
			t.Fatalf("%+v has room for %d, not %d", asked, s.rooms.most(), fresh.rooms.most())
		}
		checkWinners(t, s)
		if s.spreads != nil {
			checkSpreads(t, s.spreads, fresh.spreads)
		}
	}
}

func checkWinners(t *testing.T, s *search) {
	for leaf := range s.winners {
		one := &s.tree.domains[leaf]
		if found, best := s.best(leaf), s.bestOf(one.from, one.to); found != best {
			t.Fatalf("place %d has won in leaf %d of %+v, not %d", found, leaf, s.gang, best)
		}
	}
}

func checkSpreads(t *testing.T, s, fresh *spreads) {
	for home := range s.tallies {
		if !slices.Equal(s.tallies[home], fresh.tallies[home]) {
			t.Fatalf("home %d has room %v, not %v", home, s.tallies[home], fresh.tallies[home])
		}
	}
	for _, known := range s.answers {
		best, least := s.measure(known.asked, known.used)
		if most, atLeast := fresh.measure(known.asked, 0); best != most || least != atLeast {
			t.Fatalf("of %d %d can be spread, %d in each; not %d, %d", known.asked, best, least, most, atLeast)
		}
	}
}
