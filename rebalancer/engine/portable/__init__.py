"""The portable book and trade list: plain JSON objects in, a `Book` out; decisions in, plain JSON objects out.

`docs/portable-book.md` describes both for those who write such files. Reading and writing files is not done here.
"""

from rebalancer.engine.portable.fields import BadPortableBook
from rebalancer.engine.portable.reading import book_of
from rebalancer.engine.portable.trades import orders_of, trades_of

__all__ = ["BadPortableBook", "book_of", "orders_of", "trades_of"]
