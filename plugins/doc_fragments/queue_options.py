# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of one queue: at the top of the module ``queue``, and for each of the list ``queues``.

A test holds them against the table of attributes, ``plugins/module_utils/_topology/queue_attributes.py``. ``{of}``
stands before the name of another option of the same queue.
"""

from __future__ import annotations

from textwrap import indent

_OPTIONS = r"""
name:
  description:
    - Name of the queue, up to 80 letters, digits, hyphens and underscores.
    - The name of a FIFO queue, and of no other, ends in C(.fifo).
  type: str
  required: true
fifo:
  description: Whether the queue is a FIFO queue; it follows from the name and has to agree with it.
  type: bool
visibility_timeout:
  description:
    - Seconds for which a received message is hidden from other consumers, 0 to 43200.
    - In a topology by default 300.
  type: int
message_retention_period:
  description:
    - Seconds for which a message is kept, 60 to 1209600.
    - To lower it on a queue that exists, set O(allow_lower_retention=true).
    - In a topology by default 345600, and 1209600 for a dead-letter queue.
  type: int
receive_message_wait_time_seconds:
  description:
    - Seconds that a receive waits for a message (long polling), 0 to 20.
    - In a topology by default 20.
  type: int
delay_seconds:
  description:
    - Seconds for which a new message is held back, 0 to 900.
    - In a topology by default 0.
  type: int
maximum_message_size:
  description:
    - Largest message in bytes, 1024 to 1048576.
    - In a topology by default 1048576.
  type: int
sqs_managed_sse_enabled:
  description:
    - Encrypt with keys that SQS owns. Excludes O({of}kms_master_key_id).
    - In a topology it is on where no key is given.
  type: bool
kms_master_key_id:
  description:
    - Encrypt with this KMS key - its ID, ARN or alias.
    - The empty string removes the key.
  type: str
kms_data_key_reuse_period_seconds:
  description:
    - Seconds for which SQS reuses a data key, 60 to 86400.
    - In a topology 300 where a key is given.
  type: int
content_based_deduplication:
  description:
    - Derive the deduplication ID from the body. FIFO queues only.
    - In a topology by default true.
  type: bool
deduplication_scope:
  description:
    - Whether duplicates are found within a message group or in the whole queue. FIFO queues only.
    - In a topology by default V(queue).
  type: str
  choices: [messageGroup, queue]
fifo_throughput_limit:
  description:
    - Whether the throughput quota counts for each message group or for the queue. FIFO queues only.
    - V(perMessageGroupId) needs O({of}deduplication_scope=messageGroup).
    - In a topology by default V(perQueue).
  type: str
  choices: [perQueue, perMessageGroupId]
policy:
  description:
    - The queue's policy document. Policies that mean the same count as equal.
    - An empty mapping removes the policy.
  type: dict
redrive_policy:
  description:
    - Where messages go that were received too often. Keys are C(dead_letter_queue), the name or ARN of a queue of
      the same type, and C(max_receive_count), 1 to 1000, by default 10.
    - An empty mapping removes it.
  type: dict
redrive_allow_policy:
  description:
    - Which queues may use this one as their dead-letter queue. Keys are C(permission), one of C(allowAll),
      C(denyAll) and C(byQueue), and C(source_queues), up to 10 names or ARNs.
    - An empty mapping gives the default, C(allowAll).
  type: dict
tags:
  description: Tags of the queue; see O(purge_tags) for those that are not listed.
  type: dict
"""


class ModuleDocFragment:
    # Annotated, since yamllint of ansible-test takes what is plainly assigned for text, and stops at an expression.
    DOCUMENTATION: str = "options:\n" + indent(_OPTIONS.replace("{of}", ""), "  ")

    LIST: str = "options:\n  queues:\n    suboptions:\n" + indent(_OPTIONS.replace("{of}", "queues[]."), "      ")
