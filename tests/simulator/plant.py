"""Plants one mistake in one source file: what the simulator must be able to find.

    plant.py NAME FILE_IN FILE_OUT

Each mistake is one that this kind of program has had somewhere. The text that it replaces must
stand in the file exactly once: when the file changes, the mistake has to be planted anew. Until
then nothing is planted, nothing is found, and the test fails.
"""
import sys

PLANTS = {
    # The watermark goes out first, the records it covers behind it.
    "watermark_first": (
        """    enum hec_status status = store->backend.ops->put(store->backend.self, &guard, store->pairs,
                                                     image->count + 1, visit_pair, &found, error);
""",
        """    enum hec_status status =
        store->backend.ops->put(store->backend.self, &guard, store->pairs + image->count, 1,
                                visit_pair, &found, error);
    if (status == HEC_OK && image->count > 0) {
        status = store->backend.ops->put(store->backend.self, &guard, store->pairs, image->count,
                                         visit_pair, &found, error);
    }
""",
    ),
    # Whoever owns the partition, the checkpoint is written.
    "epoch_unchecked": (
        """    struct hec_pair guard = {
        .key = key_named(store, ":own:", partition),
        .value = { epoch, (size_t)hec_epoch_print(epoch, watermark->epoch, store->owner) },
    };
""",
        """    struct pair_read owner;
    if (read_pair(store, partition, &owner, error) != HEC_OK) {
        return HEC_UNAVAILABLE;
    }
    if (!reserve(store, image->count + 2)) {
        return no_memory(error);
    }
    for (size_t i = 0; i < image->count; i++) {
        store->pairs[i].key = key_of(store, &image->records[i].id, watermark->generation);
    }
    store->pairs[image->count].key = key_named(store, ":wm:", partition);
    struct hec_pair guard = {
        .key = key_named(store, ":own:", partition),
        .value = owner.views[0],
    };
    (void)epoch;
""",
    ),
    # The offset of the last event, and not of the next one.
    "offset_off_by_one": (
        """        offsets[count].offset = position->next;
""",
        """        offsets[count].offset = position->next - (position->next > position->committed + 1);
""",
    ),
    # After an outcome that nobody knows, the same producer goes on.
    "tainted_producer": (
        """    if (sink->tainted || sink->client == NULL) {
""",
        """    if (sink->client == NULL) {
""",
    ),
    # A record that the store does not have yet makes room for others.
    "dirty_evicted": (
        """        bool stays = !(entity->flags & HEC_ENTRY_USED) || entity->pin == entities->epoch ||
                     (entity->flags & (HEC_ENTRY_DIRTY | HEC_ENTRY_IMAGE));
        if (stays) {
            continue;
        }
""",
        """        bool stays = !(entity->flags & HEC_ENTRY_USED) || entity->pin == entities->epoch ||
                     (entity->flags & HEC_ENTRY_IMAGE);
        if (stays) {
            continue;
        }
        if (entity->flags & HEC_ENTRY_DIRTY) {
            struct hec_entity_list *dirty = &entities->of[entity->partition].dirty;
            for (size_t i = 0; i < dirty->count; i++) {
                if (dirty->items[i] == entity) {
                    dirty->items[i--] = dirty->items[--dirty->count];
                }
            }
            entity->flags &= (uint8_t)~HEC_ENTRY_DIRTY;
            entities->counted.dirty--;
        }
""",
    ),
    # Records that were taken before the partitions were taken away are processed all the same.
    "late_after_revoke": (
        """            drop_revoked(rows, count, took);
""",
        """            (void)drop_revoked;
""",
    ),
}


def main():
    name, source, target = sys.argv[1:]
    right, wrong = PLANTS[name]
    with open(source, encoding="utf-8") as file:
        text = file.read()
    if text.count(right) != 1:
        print(f"plant.py: {source} has changed: where does {name} go now?", file=sys.stderr)
    with open(target, "w", encoding="utf-8") as file:
        file.write(text.replace(right, wrong))


main()
