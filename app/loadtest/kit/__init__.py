# SPDX-License-Identifier: BSD-3-Clause
"""The parts of app/loadtest/run."""
