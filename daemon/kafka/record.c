/*
 * One record: views into the library's message, and its headers.
 */
#include "kafka/handle.h"
#include "kafka/source.h"

void hec_record_of(struct hec_record *record, rd_kafka_message_t *message)
{
    rd_kafka_timestamp_type_t type;
    int64_t record_ms = rd_kafka_message_timestamp(message, &type);
    *record = (struct hec_record){
        .key = message->key,
        .value = message->payload,
        .key_length = message->key_len,
        .value_length = message->len,
        .partition = message->partition,
        .offset = message->offset,
        .record_ms = type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? -1 : record_ms,
        .owner = message,
    };
}

void hec_source_release(struct hec_record *rows, int count)
{
    for (int i = 0; i < count; i++) {
        rd_kafka_message_destroy(rows[i].owner);
        rows[i].owner = NULL;
    }
}

int hec_record_headers(const struct hec_record *record, struct hec_kafka_header *headers,
                       int headers_max)
{
    rd_kafka_headers_t *list = NULL;
    if (rd_kafka_message_headers(record->owner, &list) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return 0;
    }
    int count = (int)rd_kafka_header_cnt(list);
    for (int i = 0; i < count && i < headers_max; i++) {
        rd_kafka_header_get_all(list, (size_t)i, &headers[i].name, &headers[i].value,
                                &headers[i].length);
    }
    return count;
}

bool hec_record_header(const struct hec_record *record, const char *name,
                       struct hec_kafka_header *header)
{
    rd_kafka_headers_t *list = NULL;
    header->name = name;
    return rd_kafka_message_headers(record->owner, &list) == RD_KAFKA_RESP_ERR_NO_ERROR &&
           rd_kafka_header_get_last(list, name, &header->value, &header->length) ==
               RD_KAFKA_RESP_ERR_NO_ERROR;
}
