package instances

import (
	"fmt"
	"testing"
)

func TestTry(t *testing.T) {
	for _, departs := range []bool{false, true} {
		for _, percent := range []int{85, 100, 130} {
			if !departs && percent == 85 { continue }
			for _, mix := range Mixes() {
				fmt.Printf("departs %t %3d %-8s", departs, percent, mix)
				for _, policy := range Policies {
					a, b, c := 0.0, 0.0, 0.0
					const seeds = 5
					for seed := range int64(seeds) {
						l := Load{mix, 16, percent, departs, seed}
						r, err := l.Run(policy)
						if err != nil { t.Fatal(err) }
						a += r.AllocatedPercent / seeds
						b += 100 * float64(r.Placed) / float64(r.Pods) / seeds
						c += r.ComputePercent / seeds
					}
					fmt.Printf(" | %s %.2f %.2f %.2f", policy.Name, a, c, b)
				}
				fmt.Println()
			}
		}
	}
}
