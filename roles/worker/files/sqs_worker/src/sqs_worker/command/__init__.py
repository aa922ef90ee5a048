# SPDX-License-Identifier: GPL-3.0-or-later
"""The command ``sqs-worker``, a file a subcommand."""
