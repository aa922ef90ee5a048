# SPDX-License-Identifier: GPL-3.0-or-later
"""A message's way: received, ordered, handled, settled; and all that is started and drained for it."""
