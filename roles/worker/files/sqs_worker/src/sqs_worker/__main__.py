# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m sqs_worker``."""

from sqs_worker.command.cli import main

if __name__ == "__main__":
    main()
