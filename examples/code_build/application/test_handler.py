from handler import handler


def test_an_order_is_priced_in_cents() -> None:
    assert handler({"price": "2.50", "pieces": 3}, None) == {"cents": 750}
