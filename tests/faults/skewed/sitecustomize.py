"""Shifts the clock of the process that finds this on its PYTHONPATH by FAULTS_SKEW seconds."""

import os
import time

SKEW_SECONDS = float(os.environ["FAULTS_SKEW"])
true_time, true_time_ns = time.time, time.time_ns
time.time = lambda: true_time() + SKEW_SECONDS
time.time_ns = lambda: true_time_ns() + int(SKEW_SECONDS * 1e9)
