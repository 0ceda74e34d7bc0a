-- What is told to people is kept in a journal of the analyzer's own: it must go out while ClickHouse is down.

DROP TABLE IF EXISTS webhook_deliveries {{on_cluster}};
