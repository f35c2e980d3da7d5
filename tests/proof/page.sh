#!/bin/bash
# The page's test with axe-core looking at every view in both themes and at both widths, and a
# picture of each under build/page. axe-core is for this test only and lands in build/.
set -eu
cd "$(dirname "$0")/../.."
[ -e build/axe/node_modules/axe-core/axe.min.js ] ||
    npm install --no-audit --no-fund --silent --prefix build/axe axe-core
mkdir -p build/page
HECATE_AXE=$PWD/build/axe/node_modules/axe-core/axe.min.js HECATE_SHOTS=$PWD/build/page \
    HECATE_BUILD=${HECATE_BUILD:-$PWD/build} tests/integration/page.sh
