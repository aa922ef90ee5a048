# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands around the handler: each layer is a middleware, and knows neither the handler nor the queue."""
