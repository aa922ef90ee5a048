# SPDX-License-Identifier: GPL-3.0-or-later
"""What the worker's tests are built on."""
