"""FGD (USENIX ATC'23) in numba: the yardstick for the speed of our packing engine, written for that and for nothing else.

    replay -nodes NODES -seeds 42 -orders PODS | python bench/fgd_numba.py NODES 80,90,95,100,130 PODS

It reads the arrival orders that `replay -orders` writes, packs as the policy `FGD` does, and writes the same lines as `replay`. It does
what one would do to make FGD fast: the scores of all nodes are kept for each class of pods, a class that comes again only scores the nodes
that have changed since, and all of it is compiled. Times are the processor's; compiling is not in them.
"""

import csv
import json
import sys
import time
from pathlib import Path

import numpy as np
from numba import njit

MILLI = 1000
CARDS = 8
PODS_PER_NODE = 1001
MAX_ARRIVAL = 130


@njit(cache=False)
def fragments(cpu, cards, n_cards, model, mix_cpu, mix_milli, mix_cards, mix_models, shares):
    total = 0
    for i in range(n_cards):
        total += cards[i]
    result = 0.0
    for m in range(len(shares)):
        if mix_cards[m] == 0 or mix_cpu[m] > cpu or (mix_models[m] != 0 and (mix_models[m] >> model) & 1 == 0):
            result += shares[m] * total
            continue
        fitting, rest = 0, 0
        for i in range(n_cards):
            if cards[i] >= mix_milli[m]:
                fitting += 1
            else:
                rest += cards[i]
        result += shares[m] * (total if fitting < mix_cards[m] else rest)
    return result


@njit(cache=False)
def score(n, c, state, classes, mix):
    """The score of a pod of class c on node n, and the card of a shared one; -1 if it does not fit."""
    cpu, memory, pods, models, n_cards, cards, before = state
    c_cpu, c_memory, c_milli, c_cards, c_models = classes
    if cpu[n] < c_cpu[c] or memory[n] < c_memory[c] or pods[n] < 1 or (c_models[c] != 0 and (c_models[c] >> models[n]) & 1 == 0):
        return -1, -1
    after = cards[n].copy()
    if c_cards[c] == 1 and c_milli[c] < MILLI:
        best, best_card = -1, -1
        for i in range(n_cards[n]):
            if cards[n, i] < c_milli[c]:
                continue
            same = False
            for j in range(i):
                same = same or cards[n, j] == cards[n, i]
            if same:
                continue
            after[i] -= c_milli[c]
            fall = before[n] - fragments(cpu[n] - c_cpu[c], after, n_cards[n], models[n], mix[0], mix[1], mix[2], mix[3], mix[4])
            after[i] += c_milli[c]
            value = int(100 / (1 + np.exp(-fall / MILLI)))
            if value > best:
                best, best_card = value, i
        return best, best_card
    left = c_cards[c]
    for i in range(n_cards[n]):
        if left > 0 and after[i] == MILLI:
            after[i] = 0
            left -= 1
    if left > 0:
        return -1, -1
    fall = before[n] - fragments(cpu[n] - c_cpu[c], after, n_cards[n], models[n], mix[0], mix[1], mix[2], mix[3], mix[4])
    return int(100 / (1 + np.exp(-fall / MILLI))), -1


@njit(cache=False)
def replay(order, ranks, class_of, capacity, state, classes, mix):
    cpu, memory, pods, models, n_cards, cards, before = state
    c_cpu, c_memory, c_milli, c_cards, _ = classes
    nodes = len(cpu)
    for n in range(nodes):
        before[n] = fragments(cpu[n], cards[n], n_cards[n], models[n], mix[0], mix[1], mix[2], mix[3], mix[4])
    values = np.full((len(c_cpu), nodes), -1, np.int16)
    cards_of = np.full((len(c_cpu), nodes), -1, np.int8)
    seen = np.full(len(c_cpu), -1, np.int64)
    log = np.empty(len(order), np.int64)
    last = np.full(nodes, -1, np.int64)
    loads = np.zeros((MAX_ARRIVAL + 1, 4))  # sum and number of the shares at this load; pods and pods of several cards placed
    changes, placed, multiple, arrived, allocated = 0, 0, 0, 0, 0
    for pod in order:
        c = class_of[pod]
        arrived += c_cards[c] * c_milli[c]
        load = (200 * arrived + capacity) // (2 * capacity)
        if seen[c] < 0:
            for n in range(nodes):
                values[c, n], cards_of[c, n] = score(n, c, state, classes, mix)
        else:
            for at in range(seen[c], changes):
                n = log[at]
                if last[n] == at:
                    values[c, n], cards_of[c, n] = score(n, c, state, classes, mix)
        seen[c] = changes
        best, where = -1, -1
        for n in range(nodes):
            value = values[c, n]
            if value > best or (value == best and value >= 0 and ranks[n] < ranks[where]):
                best, where = value, n
        if where < 0:
            if load <= MAX_ARRIVAL:
                loads[load, 0] += allocated
                loads[load, 1] += 1
            continue
        cpu[where] -= c_cpu[c]
        memory[where] -= c_memory[c]
        pods[where] -= 1
        if c_cards[c] == 1 and c_milli[c] < MILLI:
            cards[where, cards_of[c, where]] -= c_milli[c]
        else:
            left = c_cards[c]
            for i in range(n_cards[where]):
                if left > 0 and cards[where, i] == MILLI:
                    cards[where, i] = 0
                    left -= 1
        before[where] = fragments(cpu[where], cards[where], n_cards[where], models[where], mix[0], mix[1], mix[2], mix[3], mix[4])
        last[where] = changes
        log[changes] = where
        changes += 1
        placed += 1
        multiple += c_cards[c] > 1
        allocated += c_cards[c] * c_milli[c]
        if load <= MAX_ARRIVAL:
            loads[load, 0] += allocated
            loads[load, 1] += 1
            loads[load, 2], loads[load, 3] = placed, multiple
    return placed, loads


def read_rows(path):
    with Path(path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


class Lists:
    """Nodes and pods as arrays."""

    def __init__(self, nodes_path, pods_path):
        self.bits = {}
        nodes = sorted((row for row in read_rows(nodes_path) if int(row["gpu"])), key=lambda row: row["sn"])
        self.cpu = np.array([int(row["cpu_milli"]) for row in nodes])
        self.memory = np.array([int(row["memory_mib"]) for row in nodes])
        self.models = np.array([self.bit(row["model"]) for row in nodes])
        self.n_cards = np.array([int(row["gpu"]) for row in nodes])
        pods = [self.read_pod(row) for row in sorted(read_rows(pods_path), key=lambda row: row["name"])]
        known = {pod: number for number, pod in enumerate(dict.fromkeys(pod[:-1] for pod in pods))}
        self.class_of = np.array([known[pod[:-1]] for pod in pods])
        self.classes = tuple(np.array(column) for column in zip(*known, strict=True))
        self.mix = self.find_mix(pods)

    def bit(self, name):
        return self.bits.setdefault(name, len(self.bits))

    def read_pod(self, row):
        cards = int(row["num_gpu"])
        milli = MILLI if cards > 1 else min(int(row["gpu_milli"]), MILLI) if cards else 0
        spec = row.get("gpu_spec") or ""
        models = sum({1 << self.bit(name) for name in spec.split("|") if name})
        return int(row["cpu_milli"]), int(row["memory_mib"]), milli, cards, models, spec

    def find_mix(self, pods):
        """The target workload: the most frequent classes that cover 95 % of the pods."""
        counts = {}
        for cpu, _, milli, cards, models, spec in pods:
            key = cpu, milli, cards, spec, models
            counts[key] = counts.get(key, 0) + 1
        mix, covered = [], 0
        for key, count in sorted(counts.items(), key=lambda item: (item[1], item[0]), reverse=True):
            if covered * 100 >= len(pods) * 95:
                break
            covered += count
            mix.append((*key, count / 1.0))
        cpu, milli, cards, _, models, counted = zip(*mix, strict=True)
        shares = np.array(counted)
        return np.array(cpu), np.array(milli), np.array(cards), np.array(models), shares / shares.sum()

    def fresh(self):
        cards = np.zeros((len(self.cpu), CARDS), np.int64)
        for node, count in enumerate(self.n_cards):
            cards[node, :count] = MILLI
        pods = np.full(len(self.cpu), PODS_PER_NODE)
        return self.cpu.copy(), self.memory.copy(), pods, self.models, self.n_cards, cards, np.zeros(len(self.cpu))


def main() -> None:
    """Replay every order that comes."""
    nodes, arrivals = sys.argv[1], [int(part) for part in sys.argv[2].split(",")]
    lists = {path: Lists(nodes, path) for path in sys.argv[3:]}
    compiled = False
    for line in sys.stdin:
        wish = json.loads(line)
        data = lists[wish["pods"]]
        order, ranks = np.array(wish["order"]), np.array(wish["ranks"])
        capacity = int(data.n_cards.sum()) * MILLI
        if not compiled:
            replay(order[:10], ranks, data.class_of, capacity, data.fresh(), data.classes, data.mix)
            compiled = True
        state = data.fresh()
        began = time.process_time()
        placed, loads = replay(order, ranks, data.class_of, capacity, state, data.classes, data.mix)
        seconds = time.process_time() - began
        for arrival in arrivals:
            here = loads[: arrival + 1]
            answer = {
                "list": wish["list"],
                "seed": wish["seed"],
                "policy": "FGD-numba",
                "arrival": arrival,
                "allocated_percent": 100 * loads[arrival, 0] / max(loads[arrival, 1], 1) / capacity,
                "placed_pods": int(here[:, 2].max()),
                "placed_multi_gpu_pods": int(here[:, 3].max()),
                "placements_per_second": placed / seconds,
                "open_seconds": 0.0,
            }
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
