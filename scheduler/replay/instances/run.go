package instances

import (
	"container/heap"
	"syscall"
	"time"

	"commonpool.dev/scheduler/mig"
	"commonpool.dev/scheduler/packing"
)

// Result is what a policy made of a stream; with departures, after the filling.
type Result struct {
	Pods             int     // that came
	Placed           int     // of them
	AllocatedPercent float64 // of the slices of memory: at the end or, with departures, in the mean over time
	ComputePercent   float64 // of the slices of processors, the same
	PerSecond        float64 // decisions, by the processor's clock
}

// departure is a pod that goes.
type departure struct {
	at, node int
	shape    packing.Shape
	cards    uint64
}

// departures is a heap, the next first.
type departures []departure

func (d departures) Len() int           { return len(d) }
func (d departures) Less(i, j int) bool { return d[i].at < d[j].at }
func (d departures) Swap(i, j int)      { d[i], d[j] = d[j], d[i] }
func (d *departures) Push(x any)        { *d = append(*d, x.(departure)) }
func (d *departures) Pop() any {
	last := (*d)[len(*d)-1]
	*d = (*d)[:len(*d)-1]
	return last
}

// Run lets a policy place a stream.
func (l *Load) Run(policy Policy) (Result, error) {
	share, err := shares(l.Mix)
	if err != nil {
		return Result{}, err
	}
	pods, filling := l.draw(share)
	board := policy.open(l.nodes(), classes(share))
	var leaving departures
	var result Result
	memory, compute := int64(0), int64(0)
	memorySum, computeSum := 0.0, 0.0
	began := readProcessor()
	for now, each := range pods {
		for len(leaving) > 0 && leaving[0].at <= now {
			gone := heap.Pop(&leaving).(departure)
			board.give(gone.node, gone.shape, gone.cards)
			memory -= sizeOf(gone.shape.Profile)
			compute -= mig.Compute(gone.shape.Profile)
		}
		node, place := board.best(&each.shape)
		if node >= 0 {
			cards := board.take(node, &each.shape, place)
			memory += sizeOf(each.shape.Profile)
			compute += mig.Compute(each.shape.Profile)
			if l.Departs {
				heap.Push(&leaving, departure{now + each.stays, node, each.shape, cards})
			}
		}
		if now < filling {
			continue
		}
		result.Pods++
		if node >= 0 {
			result.Placed++
		}
		memorySum += float64(memory)
		computeSum += float64(compute)
	}
	result.PerSecond = float64(len(pods)) / max((readProcessor()-began).Seconds(), 1e-6)
	if !l.Departs {
		memorySum, computeSum = float64(memory)*float64(result.Pods), float64(compute)*float64(result.Pods)
	}
	slices := float64(l.capacity())
	result.AllocatedPercent = 100 * memorySum / float64(result.Pods) / slices
	result.ComputePercent = 100 * computeSum / float64(result.Pods) / (slices / 8 * 7)
	return result, nil
}

// readProcessor is the time that all processors have spent on this process.
func readProcessor() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
