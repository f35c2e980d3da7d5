/*
 * Redis in hecate.conf(5): how it is found, and what hecated does in each of its moods.
 */
#include "cli/manual_inside.h"

static const struct {
    const char *mood, *what;
} MOODS[] = {
    { "it does not answer, or too slowly",
      "Scoring goes on with what is in memory; what misses a state says degraded. Output and "
      "offsets "
      "are committed, states are not stored. On return the store is compared with what was last "
      "written there and takes what is missing; a partition that missed a state is replayed." },
    { "that lasts",
      "After state.away_max_s, state.replay_records_max or twice state.cache_mib the input is "
      "paused and readiness fails, until it is back. Nothing is lost." },
    { "it is full, cannot save, or lacks its replicas",
      "Reads go on; states are stored when it takes writes again." },
    { "it evicts keys", "Refused at the start; while hecated runs, as if it were away." },
    { "wrong password, missing rights",
      "Refused at the start; while hecated runs, as if it were away." },
    { "it comes back empty", "State is built anew from the log, as far as retention goes." },
    { "it comes back as an older copy (RDB, AOF, a late replica)",
      "The copy is taken up, what came after it is replayed." },
    { "a record or a mark is damaged, or a key of another type",
      "Noticed by checksums when it is loaded; the partition is built anew from the log." },
    { "it is a replica, or becomes one",
      "It is left: the next of the list, whoever the Sentinels name, or the slot's new owner." },
    { "a Cluster moves a slot",
      "Reads follow it; the partition's checkpoint waits until the slot is in one place." },
    { "a slot of a Cluster has no owner", "As if Redis were away, for this engine." },
};

void hec_manual_redis(FILE *out)
{
    hec_manual_section(out, "REDIS");
    hec_manual_paragraph(
        out, "Redis 7 or newer, or Valkey, with maxmemory-policy noeviction; appendonly yes "
             "spares a rebuild after its restart. One server, the first master of a list, the one "
             "that Sentinels name, or a Cluster, where {partition} is the hash tag of all keys:");
    hec_manual_example(
        out, "state { redis_address = \"redis-1:6379,redis-2:6379\" redis_tls = true }\n"
             "\n"
             "state {\n"
             "    redis_mode = sentinel\n"
             "    redis_address = \"sentinel-1:26379,sentinel-2:26379,sentinel-3:26379\"\n"
             "    redis_master_name = bank\n"
             "    redis_username = hecate\n"
             "    redis_password = ${credential:redis-password}\n"
             "    redis_tls = true\n"
             "    redis_tls_ca_file = /etc/hecate/redis-ca.pem\n"
             "}\n"
             "\n"
             "state { redis_mode = cluster redis_address = \"node-1:6379,node-2:6379\" "
             "redis_tls = true }");
    hec_manual_paragraph(out,
                         "Its user needs no more than this (a Cluster also needs "
                         "+cluster|slots and +asking; a Sentinel +sentinel|get-master-addr-by-name "
                         "and +ping of its own user):");
    hec_manual_example(out, "ACL SETUSER hecate on >PASSWORD ~hec:* +ping +info +get +set +del \\\n"
                            "    +watch +unwatch +multi +exec +scan");
    for (size_t i = 0; i < sizeof(MOODS) / sizeof(*MOODS); i++) {
        hec_manual_item(out, MOODS[i].mood, MOODS[i].what);
    }
}
