"""Outbound mail that a SaaS company's customers set up themselves.

application   create_app            settings      the environment, once, frozen
schedule      periodic jobs         core          database, queues, crypto, egress
web           what pages rest on    mail_services the kinds, pure
workspaces    people and rights     credentials   sealed mail secrets
alerts        who is told           outbound      saved setups and their health
diagnosis     the test              wizard        the way to a saved setup
outbox        queue_mail, delivery  api           HTTP API v1
gateway       SMTP submission       sandbox       a local Microsoft, never in production
"""
