package packing

// sum is what is known of a domain.
type sum struct {
	units, whole, gpu int64
	room              int64 // segments, or pods below the segments' level
	far               int64 // what it counts as a used domain of preferred levels
}

// follow brings what is known up to date: all nodes at first, then those that have changed.
func (s *search) follow() {
	p := s.packing
	if s.read < p.forgotten {
		s.recount()
	} else {
		changes := p.changes[s.read-p.forgotten:]
		for _, node := range changes {
			if place := s.site.places[node]; place != none {
				s.recountPlace(place)
			}
		}
		s.playAll(changes)
	}
	s.read = p.forgotten + len(p.changes)
}

// soMany is of how many nodes one must have changed for it to be quicker to let all matches be played anew when they are wanted.
const soMany = 16

// playAll plays the matches of nodes that have been seen again.
func (s *search) playAll(changes []int32) {
	if len(changes)*soMany > len(s.nodes) {
		clear(s.winners)
	}
	if len(s.winners) == 0 {
		return
	}
	for _, node := range changes {
		if place := s.site.places[node]; place != none {
			s.play(place)
		}
	}
}

func (s *search) recount() {
	clear(s.winners)
	for d := range s.sums {
		s.sums[d].units, s.sums[d].gpu, s.sums[d].room = 0, 0, 0
	}
	if s.spreads != nil {
		s.spreads.recount()
	}
	for place, node := range s.nodes {
		seen := s.see(s.slots[node])
		s.units[place], s.gpu[place] = seen.units, max(0, seen.gpu)
		leaf := &s.sums[s.tree.leaves[place]]
		leaf.units += s.units[place]
		leaf.gpu += s.gpu[place]
	}
	for d := int32(len(s.sums)) - 1; d >= 0; d-- { // what a domain is in comes before it
		one := &s.tree.domains[d]
		sums := &s.sums[d]
		if one.level >= s.segment {
			sums.room = s.count(one, sums.units)
		}
		s.tellRoom(d, 0)
		if one.parent == none {
			continue
		}
		s.sums[one.parent].units += sums.units
		s.sums[one.parent].gpu += sums.gpu
		if s.tree.domains[one.parent].level < s.segment && s.mayUse(d) {
			s.sums[one.parent].room += sums.room
		}
	}
	for _, l := range s.layers {
		l.spoilAll()
	}
}

// tellRoom notes how much room a domain has where that is looked for.
func (s *search) tellRoom(d int32, before int64) {
	if s.home[d] != none {
		s.rooms.set(int(s.home[d]), s.sums[d].room)
	}
	if s.spreads != nil {
		s.spreads.count(d, before, s.sums[d].room)
	}
}

// count is how many of what the domain counts are in so many pods' room.
func (s *search) count(one *domain, units int64) int64 {
	if one.level == s.segment {
		return units / s.gang.Segment
	}
	return units
}

func (s *search) recountPlace(place int32) {
	seen := s.see(s.slots[s.nodes[place]])
	units, gpu := seen.units, max(0, seen.gpu)
	moreUnits, moreGPU := units-s.units[place], gpu-s.gpu[place]
	if moreUnits == 0 && moreGPU == 0 {
		return
	}
	s.units[place], s.gpu[place] = units, gpu
	leaf := s.tree.leaves[place]
	for _, l := range s.layers {
		l.singles[s.usable[leaf]].spoil()
	}
	moreRoom := int64(0)
	for d := leaf; d != none; d = s.tree.domains[d].parent {
		one, sums := &s.tree.domains[d], &s.sums[d]
		sums.units += moreUnits
		sums.gpu += moreGPU
		before := sums.room
		if one.level >= s.segment {
			sums.room = s.count(one, sums.units)
		} else {
			sums.room += moreRoom
		}
		s.tellRoom(d, before)
		moreRoom = sums.room - before
		if one.parent != none && !s.mayUse(d) {
			moreRoom = 0
		}
	}
}
