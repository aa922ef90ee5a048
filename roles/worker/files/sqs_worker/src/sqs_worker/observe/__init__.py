# SPDX-License-Identifier: GPL-3.0-or-later
"""What is seen of a worker from outside: health, metrics, logs, traces, the note that a deploy reads."""
