package packing

import (
	"math/bits"
	"slices"
)

// CardFleet is nodes with cards, flat as it comes over the C face.
type CardFleet struct {
	Nodes      []int64 // CardNodeFields a node: processors, memory, pods, model, cards
	Milli      []int64 // what is free of every card, node after node: thousandths, or slices, a bit each
	Classes    []int64 // CardClassFields a class: processors, cards, milli of each, models, profile, how many
	Placements []int64 // CardPlacementFields a placement: the model that is partitioned, profile, slices
	Rounds     int64   // how often prices are adjusted, at most MaxPricingRounds
}

// Lengths of the parts in flat form.
const (
	CardNodeFields      = 5
	CardClassFields     = 6
	CardPodFields       = 6 // processors, memory, cards, milli of each, models, profile
	CardPlacementFields = 3
)

// MaxPricingRounds and MaxModels are bounds of what goes in; so are those in limits.go.
const (
	MaxPricingRounds = 10_000
	MaxModels        = 63 // as many as an int64 has bits that are no sign
	MaxPlacements    = 1 << 12
)

// readPartitions reads the partition of each model that has one. Models that are partitioned alike share one.
func readPartitions(flat []int64) (partitions [MaxModels]*Partition, err error) {
	if len(flat)%CardPlacementFields != 0 || len(flat) > MaxPlacements*CardPlacementFields {
		return partitions, ErrLength
	}
	var rows [MaxModels][]Placement
	for ; len(flat) > 0; flat = flat[CardPlacementFields:] {
		model, profile, taken := flat[0], flat[1], flat[2]
		if model < 0 || model >= MaxModels || profile < 1 || profile > MaxProfile || taken < 1 || taken>>MaxSlices > 0 {
			return partitions, ErrValue
		}
		rows[model] = append(rows[model], Placement{Profile: uint8(profile), Slices: uint16(taken)})
	}
	for model := range rows {
		if rows[model] == nil {
			continue
		}
		if partitions[model], err = NewPartition(rows[model]); err != nil {
			return partitions, err
		}
		for _, known := range partitions[:model] {
			if known != nil && slices.Equal(known.rows, partitions[model].rows) {
				partitions[model] = known
			}
		}
	}
	return partitions, nil
}

func readNodes(flat, milli []int64, partitions [MaxModels]*Partition) ([]Node, error) {
	if len(flat)%CardNodeFields != 0 || len(flat) == 0 || len(flat) > MaxNodes*CardNodeFields {
		return nil, ErrLength
	}
	nodes := make([]Node, 0, len(flat)/CardNodeFields)
	for ; len(flat) > 0; flat = flat[CardNodeFields:] {
		cpu, memory, pods, model, cards := flat[0], flat[1], flat[2], flat[3], flat[4]
		if cpu < 0 || memory < 0 || pods < 0 || model < 0 || model >= MaxModels || cards < 0 || cards > MaxCards {
			return nil, ErrValue
		}
		if max(cpu, memory, pods) > MaxAmount {
			return nil, ErrOverflow
		}
		if int64(len(milli)) < cards {
			return nil, ErrLength
		}
		node := Node{CPU: cpu, Memory: memory, Pods: pods, Model: uint8(model), Cards: int8(cards), Partition: partitions[model]}
		if !node.readCards(milli[:cards]) {
			return nil, ErrValue
		}
		milli = milli[cards:]
		nodes = append(nodes, node)
	}
	if len(milli) > 0 {
		return nil, ErrLength
	}
	return nodes, nil
}

// readCards reads what is free of the cards; false if a card cannot be in such a state.
func (n *Node) readCards(free []int64) bool {
	for i, each := range free {
		switch {
		case each < 0:
			return false
		case n.Partition != nil:
			if each&^int64(n.Partition.full) != 0 {
				return false
			}
			n.Free += int32(bits.OnesCount64(uint64(each)))
		case each > CardMilli:
			return false
		default:
			n.Free += int32(each)
			if each == CardMilli {
				n.Whole++
			}
		}
		n.Milli[i] = int16(each)
	}
	return true
}

func readMix(flat []int64) ([]CardClass, error) {
	if len(flat)%CardClassFields != 0 || len(flat) > MaxClasses*CardClassFields {
		return nil, ErrLength
	}
	var mix []CardClass
	total := int64(0)
	for ; len(flat) > 0; flat = flat[CardClassFields:] {
		shape, err := readShape(Shape{CPU: flat[0], Cards: flat[1], Milli: flat[2], Models: uint64(flat[3])}, flat[4])
		if err != nil {
			return nil, err
		}
		class := CardClass{Shape: shape, Count: flat[5]}
		if class.Count < 1 {
			return nil, ErrValue
		}
		if class.Count > MaxTotalWeight-total {
			return nil, ErrOverflow
		}
		total += class.Count
		mix = append(mix, class)
	}
	return mix, nil
}

// CardShape reads a pod as it comes over the C face, CardPodFields numbers.
func CardShape(flat []int64) (Shape, error) {
	return readShape(Shape{CPU: flat[0], Memory: flat[1], Cards: flat[2], Milli: flat[3], Models: uint64(flat[4])}, flat[5])
}

func readShape(s Shape, profile int64) (Shape, error) {
	if profile < 0 || profile > MaxProfile {
		return Shape{}, ErrValue
	}
	s.Profile = uint8(profile)
	return s, checkCardShape(&s)
}

// checkCardShape refuses what no pod can be: parts of several cards, nothing of a card, less than nothing.
func checkCardShape(s *Shape) error {
	switch {
	case s.CPU < 0, s.Memory < 0, s.Cards < 0, s.Cards > MaxCards, s.Milli < 0, s.Milli > CardMilli, s.Models>>MaxModels > 0:
		return ErrValue
	case s.Profile > MaxProfile, s.Profile > 0 && (s.Cards != 1 || s.Milli != 0):
		return ErrValue
	case s.Profile == 0 && (s.Cards == 0 && s.Milli != 0 || s.Cards > 0 && s.Milli == 0 || s.Cards > 1 && s.Milli != CardMilli):
		return ErrValue
	case s.CPU > MaxAmount, s.Memory > MaxAmount:
		return ErrOverflow
	}
	return nil
}
