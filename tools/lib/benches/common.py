"""What the measurements of tools/bench share."""
import sys
from pathlib import Path

root = Path(__file__).resolve().parents[3]


def fail(text):
    print(f"bench: {text}", file=sys.stderr)
    sys.exit(2)
