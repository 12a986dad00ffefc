"""The databases and the Redis every other test rests on."""

import pytest
from sqlalchemy import inspect
from sqlalchemy.orm import Session

from mailsetup.core import db
from mailsetup.workspaces.models import Workspace


@pytest.mark.parametrize("turn", [1, 2])
def test_it_gives_every_test_an_empty_database_with_all_tables(database_url, turn):
    engine = db.make_engine(database_url)
    db.load_models()
    assert set(db.Base.metadata.tables) <= set(inspect(engine).get_table_names())
    with Session(engine) as session:
        for table in db.Base.metadata.sorted_tables:
            assert session.execute(table.select()).first() is None
        session.add(Workspace(name="Left over"))
        session.commit()
    engine.dispose()


@pytest.mark.parametrize("turn", [1, 2])
def test_it_gives_every_test_an_empty_redis(valkey, redis_url, turn):
    assert valkey.connection.dbsize() == 0
    valkey.connection.set("left", "over")


def test_it_brings_a_killed_redis_back(valkey):
    valkey.kill()
    valkey.restart()
    assert valkey.connection.ping()
