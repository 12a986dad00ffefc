"""Everything is killed and Redis forgets all it held: the mail that was queued arrives, once."""

import pytest

from mailsetup.sandbox import Sandbox
from tests.paths.customer import Customer
from tests.paths.product import Product, wait_for
from tests.valkey_server import ValkeyServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]
MAILS = 20


def set_up(customer: Customer, box: Sandbox) -> None:
    account, (host, port) = box.world.service_account, box.smtp_starttls
    customer.sign_up()
    customer.begin("SMTP with user name and password")
    customer.new_login(username=account.address, password=account.password)
    customer.sender(from_address=account.address, server={"host": host, "port": str(port), "tls": "starttls"})
    customer.go_live()


def test_it_delivers_each_mail_once_after_everything_was_killed(
    customer: Customer, product: Product, product_valkey: ValkeyServer, box: Sandbox
) -> None:
    set_up(customer, box)
    product.stop("mail")
    addresses = [f"{number}.{customer.tag}@customer.example" for number in range(MAILS)]
    receipts = [customer.post("Invoice", address) for address in addresses]
    assert {customer.message(receipt["id"])["status"] for receipt in receipts} == {"queued"}

    product_valkey.flush()
    product.stop(kill=True)
    product_valkey.kill()
    product_valkey.start()
    product.start()

    def all_sent() -> bool:
        return all(customer.message(receipt["id"])["status"] == "sent" for receipt in receipts)

    wait_for(all_sent, seconds=90, what="the delivery of every mail")
    assert [len(box.inbox(address)) for address in addresses] == [1] * MAILS
