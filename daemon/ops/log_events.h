/*
 * The ids of log lines, event=ID: what alerts on logs are built on, so they stay. hecated(8) prints
 * this table, and a test holds it against every call of hec_log.
 */
#ifndef HECATE_OPS_LOG_EVENTS_H
#define HECATE_OPS_LOG_EVENTS_H

/* X(id, module, what it means and what to do) */
#define HEC_LOG_EVENT_TABLE(X)                                                                     \
    X("starting", "service", "The settings are good; parts are made.")                             \
    X("listening", "service", "The address of probes, metrics and API.")                           \
    X("no_console", "service", "admin.socket has no directory, so hecate status cannot ask.")      \
    X("ready", "service", "Every engine is in the group and past its replay.")                     \
    X("stats", "service", "Figures of the last interval, every stats_interval_s.")                 \
    X("reloaded", "service", "The settings were read again; the line counts what was taken.")      \
    X("reload_refused", "service", "Changed settings have a mistake; those before stay.")          \
    X("paused", "service", "No events are read until somebody resumes; the reason stands there.")  \
    X("resumed", "service", "Events are read again.")                                              \
    X("draining", "service", "A signal or drain: what is open is finished, then it ends.")         \
    X("killed", "service", "A second signal: it left at once.")                                    \
    X("drain_timeout", "service", "What was open will be done again by the next start.")           \
    X("engine_stopped", "service", "An engine could not go on; the line says why. It restarts.")   \
    X("cannot_start", "service", "The line says what to do; exit status 69 or 78.")                \
    X("stopped", "service", "The end, with the exit status.")                                      \
    X("assigned", "engine", "Partitions were given to this process.")                              \
    X("revoked", "engine", "Partitions were given back.")                                          \
    X("revoke_unfinished", "engine", "Open work was dropped; the next owner does it again.")       \
    X("state_rebuild", "engine", "State is built from the log; the line says why.")                \
    X("history_gap", "engine", "Retention passed the stored state: some events miss in it.")       \
    X("events_lost", "engine", "Retention removed events never processed: raise retention.ms.")    \
    X("offsets_missing", "engine", "The group's offsets expired; it goes on from the state.")      \
    X("suspected", "engine", "A broker refused what a record said; it is tried alone.")            \
    X("poison", "engine", "What a record says cannot be published; it is a dead letter.")          \
    X("circuit_opened", "engine", "Too many dead letters: nothing is read until hecate resume.")   \
    X("circuit_closed", "engine", "Somebody resumed: records are read again.")                     \
    X("breaker_open", "engine", "Blocks run away on a partition: block is review there for now.")  \
    X("breaker_closed", "engine", "Blocks are few again: block is block.")                         \
    X("ledger_not_kept", "engine", "Budget and breaker do not fit beside the committed offset.")   \
    X("transaction_rolled_back", "engine", "The open batch is done again; nothing is doubled.")    \
    X("brokers_silent", "engine", "No broker answers; nothing is read until one does.")            \
    X("checkpoint_failed", "engine", "Redis did not take the states; scoring goes on.")            \
    X("state_refused", "engine", "A stored state cannot be used; it is built anew.")               \
    X("store_away", "engine", "Redis does not answer: degraded, or paused by on_unavailable.")     \
    X("store_back", "engine", "Redis answers again; the gap is stored.")                           \
    X("store_refuses", "engine", "Redis refuses us, or evicts, since it came back: degraded.")     \
    X("store_input_paused", "engine", "Redis away for too long: no events are read until then.")   \
    X("store_input_resumed", "engine", "Redis takes states again: events are read again.")         \
    X("state_older", "engine", "An older copy of Redis is taken up: the rest is replayed.")        \
    X("store_evicts", "engine", "Redis began to evict keys: set maxmemory-policy noeviction.")     \
    X("librdkafka", "kafka", "A line of the Kafka client's own.")                                  \
    X("denied", "http", "A request without a known token was refused.")                            \
    X("audit", "desk", "Somebody changed something: who, what, from where.")                       \
    X("log_level", "desk", "The log level is back where it was.")                                  \
    X("no_inbox", "desk", "There is no inbox: alerts.inbox_file is empty or has no directory.")    \
    X("inbox_refused", "desk", "The inbox cannot be used; the line says why. Scoring goes on.")    \
    X("inbox_failed", "desk", "The inbox's disk failed; what was not filed is read again.")        \
    X("no_alert", "desk", "A record of the alert topic is no alert and was passed over.")          \
    X("lists_refused", "desk", "Allow and deny lists have a mistake; those before stay in force.") \
    X("lists_late", "desk", "The lists' topic was not read to its end when scoring began.")        \
    X("no_entry", "desk", "A record of the lists' topic was not understood and passed over.")      \
    X("topic_away", "desk", "A topic cannot be read just now; it is tried again.")                 \
    X("audit_failed", "desk", "A change was made and logged, but not written to the audit.")

#endif
