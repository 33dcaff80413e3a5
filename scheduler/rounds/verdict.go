package rounds

import "fmt"

// Wait is why a pod is not sent anywhere.
type Wait string

// The words are those of the scheduler's metrics and logs.
const (
	Go             Wait = ""
	Starting       Wait = "Starting"       // Rounds and pods are not read yet
	NoRound        Wait = "NoRound"        // no Round has a place for it
	PlaceTaken     Wait = "PlaceTaken"     // another pod of its name or rank has it
	RequestDiffers Wait = "RequestDiffers" // it asks for something else than was promised
	NoAccelerator  Wait = "NoAccelerator"  // the pool's scheduler is not for it
)

// Waits lists every reason to wait.
var Waits = []Wait{Starting, NoRound, PlaceTaken, RequestDiffers, NoAccelerator}

// Verdict is where a pod goes, or why it waits and a sentence for people.
type Verdict struct {
	Node    string
	Wait    Wait
	Message string
}

func (p *pod) verdict() Verdict {
	if p.seat != nil {
		if !p.settled() && !p.seat.newest.request.Admits(&p.Request) {
			return p.differs(p.seat.newest.request)
		}
		return Verdict{Node: p.node}
	}
	if len(p.Request.Accelerators) == 0 {
		return Verdict{Wait: NoAccelerator, Message: "asks for no accelerator: name another scheduler, e.g. `default-scheduler`"}
	}
	if own := p.workload.own(p); own != nil {
		if own.holder != nil && own.newest.request.Admits(&p.Request) {
			return Verdict{Wait: PlaceTaken, Message: fmt.Sprintf("its place on `%s` is taken by pod `%s`", own.newest.Node, own.holder.Name)}
		}
		return p.differs(own.newest.request)
	}
	if free := p.workload.free; len(free) > 0 {
		return p.differs(free[0].newest.request)
	}
	return Verdict{Wait: NoRound, Message: fmt.Sprintf("no Round has a place for it in %s", p.Key)}
}

func (p *pod) differs(promised *Request) Verdict {
	return Verdict{Wait: RequestDiffers, Message: fmt.Sprintf("asks for `%s`, but `%s` was promised", &p.Request, promised)}
}

// Counts is the state of an index in numbers.
type Counts struct {
	Epoch       int64
	Rounds      int          // known, those of past epochs included
	Outstanding int          // places that no bound pod has
	Waiting     map[Wait]int // pods that are held, by reason
}

// Counts walks over all workloads: for a metrics scrape, not for every pod.
func (x *Index) Counts() Counts {
	x.mu.Lock()
	defer x.mu.Unlock()
	counts := Counts{Epoch: x.epoch, Rounds: len(x.rounds), Waiting: map[Wait]int{}}
	for _, workload := range x.workloads {
		counts.Outstanding += workload.outstanding()
	}
	for _, each := range x.pods {
		if each.settled() {
			continue
		}
		wait := Starting
		if x.open {
			wait = each.verdict().Wait
		}
		if wait != Go {
			counts.Waiting[wait]++
		}
	}
	return counts
}

func (w *workload) outstanding() int {
	places := len(w.named) + len(w.ranked) + len(w.free)
	for _, each := range w.pods {
		if each.seat == nil {
			continue
		}
		switch anySeat := each.seat.forAny(); {
		case anySeat && !each.bound:
			places++
		case !anySeat && each.bound:
			places--
		}
	}
	return places
}
