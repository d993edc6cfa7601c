"""The one way in for messages: spool, judge, store; by push, pull or file."""
