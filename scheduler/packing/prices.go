package packing

import (
	"cmp"
	"maps"
	"slices"
)

// Class is a shape of pod of which more is expected, and how much that matters beside the other classes.
type Class struct {
	Shape  Amounts
	Weight int64
}

const (
	gangRounds = 30   // how often prices are adjusted
	gangStep   = 0.02 // of what an accelerator's pods need on average, in accelerators: the first price above none
	gangRoomy  = 0.1  // accelerators: what a place for a pod that wants nearly all of the roomiest nodes is worth
	mostWorth  = 1 << 53
)

// prices say what is free on a node is worth to the classes of work that are expected. operator/commonpool/engine/prices.py says in plain
// words what and why, and must learn the same.
type prices struct {
	tariffs []tariff
	large   []Class // those that find no place in parts, and what a free place for one is worth beyond its accelerators
}

// tariff is the prices of one amount beside the accelerators, at each step.
type tariff struct {
	amount int
	each   [steps]float64 // of one of it
	gpu    [steps]float64 // of a thousandth of an accelerator
}

// learnPrices finds the prices at which nodes of these capacities serve all classes alike.
func learnPrices(capacity []Amounts, classes []Class) prices {
	classes = slices.DeleteFunc(slices.Clone(classes), func(c Class) bool { return c.Weight == 0 })
	slices.SortFunc(classes, func(a, b Class) int {
		return cmp.Or(slices.Compare(a.Shape[:], b.Shape[:]), cmp.Compare(a.Weight, b.Weight))
	})
	kinds := countKinds(capacity)
	if len(classes) == 0 || len(kinds) == 0 {
		return prices{}
	}
	found := prices{large: findLarge(kinds, classes)}
	for amount := GPU + 1; amount < nAmounts; amount++ {
		if runsShort(kinds, classes, amount) {
			found.tariffs = append(found.tariffs, learnTariff(kinds, classes, amount))
		}
	}
	return found
}

// kind is nodes of one capacity.
type kind struct {
	room  Amounts
	count float64
}

func countKinds(capacity []Amounts) []kind {
	counts := make(map[Amounts]int64)
	for from := 0; from < len(capacity); {
		to := from + 1
		for to < len(capacity) && capacity[to] == capacity[from] {
			to++
		}
		if room := capacity[from]; room[GPU] > 0 {
			for amount := range room {
				room[amount] = max(0, room[amount])
			}
			counts[room] += int64(to - from)
		}
		from = to
	}
	kinds := make([]kind, 0, len(counts))
	for _, room := range slices.SortedFunc(maps.Keys(counts), func(a, b Amounts) int { return slices.Compare(a[:], b[:]) }) {
		kinds = append(kinds, kind{room, float64(counts[room])})
	}
	return kinds
}

// runsShort says whether pods of some class can use up the amount on some node before its accelerators.
func runsShort(kinds []kind, classes []Class, amount int) bool {
	for i := range kinds {
		room := &kinds[i].room
		for j := range classes {
			shape := &classes[j].Shape
			if float64(shape[amount])*float64(room[GPU]) > float64(room[amount])*float64(shape[GPU]) {
				return true
			}
		}
	}
	return false
}

// findLarge are classes that find no place where enough is free in parts, weighed by what a place for one is worth. Those that want more
// than half of the largest nodes belong together, those that want more than a quarter, and so on down to the smallest, which find a place
// wherever there is something. One that wants nearly all processors of the roomiest of the largest nodes is always expected, and where the mix
// has no other that wants more than half, one that wants what others do.
func findLarge(kinds []kind, classes []Class) []Class {
	most, room := int64(0), int64(0)
	for i := range kinds {
		most = max(most, kinds[i].room[GPU])
	}
	for i := range kinds {
		if kinds[i].room[GPU] == most {
			room = max(room, kinds[i].room[CPU])
		}
	}
	all, cpu, smallest := 0.0, 0.0, most
	for i := range classes {
		shape, weight := &classes[i].Shape, float64(classes[i].Weight)
		all += float64(weight * float64(shape[GPU]))
		cpu += float64(weight * float64(shape[CPU]))
		smallest = min(smallest, shape[GPU])
	}
	var large []Class
	for part, upper := 1.0, most; part == 1 || upper > smallest; part, upper = part*2, upper/2 {
		least := max(upper/2, smallest) + 1
		if part == 1 {
			least = upper/2 + 1
		}
		wanted, pods := 0.0, 0.0
		for i := range classes {
			if gpu := classes[i].Shape[GPU]; least <= gpu && gpu <= upper {
				wanted += float64(float64(classes[i].Weight) * float64(gpu))
				pods += float64(classes[i].Weight)
			}
		}
		for i := range classes {
			if shape := classes[i].Shape; least <= shape[GPU] && shape[GPU] <= upper {
				bonus := float64(wholeBonus+float64(wholeShare*wanted)/all) / part / part * unit * float64(classes[i].Weight) / pods
				large = append(large, Class{shape, int64(bonus)})
			}
		}
		if upper == most && len(large) == 0 {
			needs := int64(min(float64(wholeCPU*cpu)/all*float64(most), MaxAmount))
			large = append(large, Class{Amounts{most, needs}, int64(wholeBonus * unit)})
		}
	}
	return append(large, Class{Amounts{most, room - room/16}, int64(gangRoomy * unit)})
}

// bazaar is a market of one amount and accelerators, each class a good that takes of both.
type bazaar struct {
	kinds   []kind
	amount  int
	mean    float64   // of the amount, an accelerator's pods need
	need    []float64 // of each class, for an accelerator, in means
	demand  []float64 // its share of all accelerators
	price   []float64 // of an accelerator for it
	mus     [steps]float64
	weights [steps][]float64
	sums    [steps]float64 // of the weights, and one for nobody
	gpu     [steps]float64 // what an accelerator is worth
}

func learnTariff(kinds []kind, classes []Class, amount int) tariff {
	b := &bazaar{kinds: kinds, amount: amount}
	all, total := 0.0, 0.0
	for i := range classes {
		all += float64(float64(classes[i].Weight) * float64(classes[i].Shape[GPU]))
		total += float64(float64(classes[i].Weight) * float64(classes[i].Shape[amount]))
	}
	b.mean = total / all
	for i := range classes {
		gpu := float64(classes[i].Shape[GPU])
		b.need = append(b.need, float64(classes[i].Shape[amount])/gpu/b.mean)
		b.demand = append(b.demand, float64(float64(classes[i].Weight)*gpu)/all)
		b.price = append(b.price, 1)
	}
	step := 0.0
	for k := range b.mus {
		b.mus[k] = step
		step = max(float64(step*stepRatio), gangStep)
		b.weights[k] = make([]float64, len(classes))
	}
	b.learn()
	found := tariff{amount: amount}
	for k, mu := range b.mus {
		found.each[k] = float64(mu*(unit/CardMilli)) / b.mean
		found.gpu[k] = float64(b.gpu[k] * (unit / CardMilli))
	}
	return found
}

func (b *bazaar) learn() {
	sums := make([]float64, len(b.price))
	served, kept := 0.0, 0.0
	b.fill()
	for round := range gangRounds {
		supply := b.offer()
		served = b.serve(supply, served)
		b.adjust(supply, served, learningRate/(1+float64(round)/slowing))
		if 2*round >= gangRounds {
			for i, price := range b.price {
				sums[i] += price
			}
			kept++
		}
		b.fill()
	}
	for i, sum := range sums {
		b.price[i] = sum / kept
	}
	b.fill()
}

// fill works out what an accelerator is worth at each price of the amount.
func (b *bazaar) fill() {
	for k, mu := range b.mus {
		sum := 1.0
		for i, price := range b.price {
			weight := exp((price - float64(mu*b.need[i])) / temperature)
			b.weights[k][i] = weight
			sum += weight
		}
		b.sums[k] = sum
		b.gpu[k] = float64(temperature * log(sum))
	}
}

// offer is how many accelerators the nodes would give to each class at the prices.
func (b *bazaar) offer() []float64 {
	var gpu [steps]float64
	for i := range b.kinds {
		room := &b.kinds[i].room
		best, least := 0, 0.0
		for k, mu := range b.mus {
			worth := float64(mu*float64(room[b.amount]))/b.mean + float64(b.gpu[k]*float64(room[GPU]))
			if k == 0 || worth < least {
				best, least = k, worth
			}
		}
		gpu[best] += float64(float64(room[GPU]) * b.kinds[i].count)
	}
	supply := make([]float64, len(b.price))
	for k, of := range gpu {
		for i := range supply {
			supply[i] += float64(of*b.weights[k][i]) / b.sums[k]
		}
	}
	return supply
}

// serve is how many times the mix is served, over the classes whose price can still rise; the last answer if there are none.
func (b *bazaar) serve(supply []float64, last float64) float64 {
	offered, wanted := 0.0, 0.0
	for i, price := range b.price {
		if price < dearest*0.999 {
			offered += supply[i]
			wanted += b.demand[i]
		}
	}
	if wanted == 0 {
		return last
	}
	return offered / wanted
}

func (b *bazaar) adjust(supply []float64, served, rate float64) {
	if served == 0 {
		return
	}
	spent := 0.0
	for i := range b.price {
		b.price[i] = float64(b.price[i] * exp(-float64(rate*excess(supply[i], float64(served*b.demand[i])))))
		spent += float64(b.price[i] * b.demand[i])
	}
	for i := range b.price {
		b.price[i] = min(b.price[i]/spent, dearest)
	}
}

// worth is what a node with so much free is worth, in 1e8ths of an accelerator: by the amount that is shortest on it.
func (p *prices) worth(free Amounts) int64 {
	least := int64(0)
	for i := range p.tariffs {
		t := &p.tariffs[i]
		for k := range steps {
			here := fix(float64(free[t.amount])*t.each[k]) + fix(float64(free[GPU])*t.gpu[k])
			if i == 0 && k == 0 || here < least {
				least = here
			}
		}
	}
	for i := range p.large {
		least += p.large[i].Weight * free.units(p.large[i].Shape)
	}
	return least
}

func fix(worth float64) int64 { return int64(min(max(worth, 0), mostWorth)) }
