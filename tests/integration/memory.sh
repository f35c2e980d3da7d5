#!/bin/bash
# Training streams from disk: at ten times the rows it needs no more memory of its own, and gives
# the same model as when all is held in memory.
#
# What is held to is the private memory that the system lets a process have (ulimit -d), which
# mapped files do not count for: the system keeps of them what it has room for. Ten times the rows
# may take 6 MB more: the medians of the baseline and the tail of novelty rest on up to 50 000 and
# 100 000 rows, which the smaller log does not have. An array more, of 32 bytes a row, is too much.
. "$(dirname "$0")/lib.sh"
need python3
cd "$scratch"
"$hecate" gen --users 300 --days 40 --seed 3 --out 1.ndjson 2>/dev/null
"$hecate" gen --users 300 --days 400 --seed 3 --out 10.ndjson 2>/dev/null

# train ROWS TO KNOWN LIMIT-KB|unlimited [FLAG...]: prints the most private memory seen, in kB.
cat >train.py <<'END'
import re, resource, subprocess, sys, time
limit, command = sys.argv[1], sys.argv[2:]
bytes_most = resource.RLIM_INFINITY if limit == "unlimited" else int(limit) * 1024
child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=open("said", "w"),
                         preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (bytes_most, bytes_most)))
most = 0
end = time.time() + 100  # without memory OpenBLAS asks again for ever
while child.poll() is None:
    if time.time() > end:
        child.kill()
    found = re.search(r"VmData:\s+(\d+)", open(f"/proc/{child.pid}/status").read())
    most = max(most, int(found[1]) if found else 0)
    time.sleep(.002)
print(most)
sys.exit(child.returncode)
END
train() {
    local rows=$1 to=$2 known=$3 limit=$4
    shift 4
    python3 train.py "$limit" "$hecate" train --data "$rows.ndjson" --out "$rows.model" \
        --features "$source/conf/features-handbook.conf" --train-from 2025-01-01 --train-to "$to" \
        --known-at "$known" --epochs 2 "$@" || fail "$rows times the rows, $limit: $(cat said)"
}

small=$(train 1 2025-02-15 2025-02-22 unlimited --memory 1)
large=$(train 10 2026-02-10 2026-02-17 $((small + 6144)) --memory 1)
echo "private memory: $small kB for $(wc -l <1.ndjson) events, $large kB for $(wc -l <10.ndjson)"
mv 10.model streamed.model
train 10 2026-02-10 2026-02-17 unlimited --memory 1000 >whole
[ "$(cat whole)" -gt $((large + 16000)) ] || fail "nothing is shown: in memory it is $(cat whole) kB"
cmp -s streamed.model 10.model || fail "where rows lie changed the model"
