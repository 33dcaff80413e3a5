"""A client that counts every request: `/tmp/workers` says how many ask at a time, `/tmp/over` that it is enough.

Each request has a connection of its own and is asked once. Each line of its output is a JSON object: one for each that failed, and at the
end one of all.
"""

import http.client
import json
import sys
import threading
import time
from collections import Counter
from pathlib import Path

HOST, PORT = sys.argv[1], 8000
WORKERS, OVER = Path("/tmp/workers"), Path("/tmp/over")  # noqa: S108 - in the container
TIMEOUT_SECONDS = 20

answers: Counter[str] = Counter()
failed: list[str] = []
lock = threading.Lock()


def count_workers() -> int:
    """How many shall ask now."""
    try:
        return int(WORKERS.read_text(encoding="ascii"))
    except (OSError, ValueError):  # nobody has said it yet, or says it just now
        return 0


def ask() -> str:
    connection = http.client.HTTPConnection(HOST, PORT, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/")
        response = connection.getresponse()
        text = response.read().decode()
        if response.status != 200 or not text.endswith("\n"):
            raise OSError(f"{response.status} {text}")
        return text.strip()
    finally:
        connection.close()


def say(what: dict[str, object]) -> None:
    sys.stdout.write(f"{json.dumps(what)}\n")
    sys.stdout.flush()


def work(number: int) -> None:
    while not OVER.exists():
        if number >= count_workers():
            time.sleep(0.05)
            continue
        began = time.perf_counter()
        try:
            answer = ask()
        except (OSError, http.client.HTTPException) as error:
            with lock:
                failed.append(repr(error))
                say({"error": repr(error), "after": round(time.perf_counter() - began, 3), "at": time.ctime()})
        else:
            with lock:
                answers[answer] += 1


workers = [threading.Thread(target=work, args=(number,)) for number in range(16)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
say({"requests": sum(answers.values()) + len(failed), "failed": len(failed), "answers": answers})
