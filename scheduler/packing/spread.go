package packing

import (
	"cmp"
	"slices"
)

// tally is how many domains have how much room, the largest room first. What has none does not count.
type tally []roomy

type roomy struct{ room, domains int64 }

// count adds domains with so much room, or drops them where the number is negative.
func (t *tally) count(room, domains int64) {
	if room <= 0 {
		return
	}
	at, known := slices.BinarySearchFunc(*t, room, func(one roomy, room int64) int { return cmp.Compare(room, one.room) })
	if !known {
		*t = slices.Insert(*t, at, roomy{room: room})
	}
	(*t)[at].domains += domains
	if (*t)[at].domains == 0 {
		*t = slices.Delete(*t, at, at+1)
	}
}

// spread is the most segments that can be spread over the domains, and the highest least number in a used domain with which that can be.
func (t tally) spread(most, minDomains, maxSkew int64) (best, bestLeast int64) {
	for least := int64(1); least <= most; least++ {
		used, sum := int64(0), int64(0)
		for _, one := range t {
			more := min(one.domains, most/least-used)
			if one.room < least || more == 0 {
				break
			}
			used += more
			sum += more * min(one.room, least+maxSkew)
		}
		if used < minDomains { // and no more than that where each has more
			break
		}
		if placed := min(most, sum); placed >= best {
			best, bestLeast = placed, least
		}
	}
	return best, bestLeast
}

// spreads knows how many segments of a gang can be spread over the domains of each home.
type spreads struct {
	minDomains, maxSkew int64

	within  []int32 // of each domain: in which home it is one of those that are spread over, none if it is not
	tallies []tally // of each home
	answers []*spreadable
}

// spreadable is the answers of all homes to one question: of how many segments how many can be spread.
type spreadable struct {
	asked  int64
	used   uint64
	best   largest // number and least number as one
	stale  []int32 // homes that have changed since
	listed []bool  // of each home: whether it is among those
}

func newSpreads(s *search) *spreads {
	made := &spreads{
		minDomains: s.gang.MinDomains, maxSkew: s.gang.MaxSkew,
		within: make([]int32, len(s.tree.domains)), tallies: make([]tally, len(s.homes)),
	}
	for d := range s.tree.domains { // what a domain is in comes before it
		one := &s.tree.domains[d]
		made.within[d] = s.home[d]
		if s.home[d] == none && one.parent != none && s.mayUse(int32(d)) && s.tree.domains[one.parent].level < s.spread {
			made.within[d] = made.within[one.parent]
		}
	}
	for d := range s.tree.domains {
		if s.tree.domains[d].level != s.spread {
			made.within[d] = none
		}
	}
	return made
}

// Several questions are remembered, but not of so many homes that they would take much memory.
const (
	mostSpreadable = 8
	mostAnswers    = 1 << 12
	leastBits      = 12 // hold a number up to MaxLookahead
)

// count notes that a domain has more room than it had, or less.
func (s *spreads) count(d int32, before, after int64) {
	home := s.within[d]
	before, after = s.clamp(before), s.clamp(after)
	if home == none || before == after {
		return
	}
	s.tallies[home].count(before, -1)
	s.tallies[home].count(after, 1)
	for _, known := range s.answers {
		if !known.listed[home] {
			known.listed[home] = true
			known.stale = append(known.stale, home)
		}
	}
}

// clamp leaves out what is more room than any spread can use.
func (s *spreads) clamp(room int64) int64 { return min(room, MaxLookahead+s.maxSkew) }

// recount begins with domains that all have no room.
func (s *spreads) recount() {
	s.answers = nil
	clear(s.tallies)
}

// measure is the most segments that can be spread in any home, and the highest least number in a used domain with which that can be.
func (s *spreads) measure(most int64, call uint64) (best, least int64) {
	answer := s.find(most)
	answer.used = call
	for _, home := range answer.stale {
		number, atLeast := s.tallies[home].spread(most, s.minDomains, s.maxSkew)
		answer.best.set(int(home), number<<leastBits|atLeast)
		answer.listed[home] = false
	}
	answer.stale = answer.stale[:0]
	both := answer.best.most()
	return both >> leastBits, both & (1<<leastBits - 1)
}

func (s *spreads) find(most int64) *spreadable {
	for _, known := range s.answers {
		if known.asked == most {
			return known
		}
	}
	homes := len(s.tallies)
	made := &spreadable{asked: most, best: newLargest(homes), stale: make([]int32, homes), listed: make([]bool, homes)}
	for home := range homes {
		made.stale[home], made.listed[home] = int32(home), true
	}
	if len(s.answers) < max(1, min(mostSpreadable, mostAnswers/max(1, homes))) {
		s.answers = append(s.answers, made)
		return made
	}
	oldest := slices.MinFunc(s.answers, func(a, b *spreadable) int { return cmp.Compare(a.used, b.used) })
	*oldest = *made
	return oldest
}
