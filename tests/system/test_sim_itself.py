# SPDX-License-Identifier: MIT
"""The simulator's own tests, so that they run with the rest."""
import os
import sys

import support

sys.path.insert(0, os.path.join(support.ROOT, "tests", "sim"))
from test_dialects import DialectTest  # noqa: E402,F401  pylint: disable=unused-import
from test_sim import LeavingTest, SimulatorTest, TlsTest  # noqa: E402,F401  pylint: disable=unused-import
