/*
 * A column map: how the rows of somebody's CSV become events. It is data (conf/import/NAME.conf),
 * so that another CSV needs no C.
 *
 *   event_type = card_auth
 *   time.column = unix_time          time.unit = s | ms | rfc3339       time.origin = 2018-04-01
 *   event_id = t{#}                  {#} is the row's number from 0
 *   user_token = c{customer}         {column} is a cell
 *   amount_minor = {amt*100}         a decimal number times a whole one, exactly
 *   geo.lat = {customers.lat}        a cell of the row of --customers with the same key
 *   customers.key = customer         the column that both files have
 *   fraud.column = is_fraud          fraud.genuine = 0; an empty cell is no verdict
 *   fraud.type = 06                  fraud.type.2 = 04: the code when the column says 2
 *   fraud.source = chargeback        label.event_id = l{#}
 *
 * The left side is any field of the events (hecate/event.h) by its path. A cell that is empty
 * leaves its field absent.
 */
#ifndef HECATE_FILE_IMPORT_MAP_H
#define HECATE_FILE_IMPORT_MAP_H

#include <stdint.h>

#include "hecate/event.h"
#include "hecate/status.h"

#define HEC_IMPORT_PARTS_MAX 6
#define HEC_IMPORT_NAME_MAX 64
#define HEC_IMPORT_TYPES_MAX 16

enum hec_import_part_kind {
    HEC_PART_TEXT,     /* as it stands */
    HEC_PART_CELL,     /* of the row */
    HEC_PART_CUSTOMER, /* of the customer's row */
    HEC_PART_NUMBER,   /* the row's number */
};

struct hec_import_part {
    enum hec_import_part_kind kind;
    char name[HEC_IMPORT_NAME_MAX]; /* text or column */
    int64_t times;                  /* 1 when nothing was said */
    int column;                     /* found when the files are open */
};

struct hec_import_template {
    struct hec_import_part parts[HEC_IMPORT_PARTS_MAX];
    int parts_count; /* 0: the field is not mapped */
    int line;        /* of the map, for messages */
};

enum hec_import_unit { HEC_UNIT_S, HEC_UNIT_MS, HEC_UNIT_RFC3339 };

struct hec_import_map {
    char path[256];
    enum hec_event_type type;
    struct hec_import_template fields[HEC_FIELDS];
    struct hec_import_template label_event_id;
    char time_column[HEC_IMPORT_NAME_MAX];
    enum hec_import_unit time_unit;
    int64_t time_origin_ms;
    char customers_key[HEC_IMPORT_NAME_MAX]; /* "" = no second file */
    char fraud_column[HEC_IMPORT_NAME_MAX];  /* "" = rows have no truth */
    char fraud_genuine[16];
    char fraud_type[9];
    struct {
        char value[16], type[9];
    } fraud_types[HEC_IMPORT_TYPES_MAX];
    int fraud_types_count;
    char fraud_source[33];
};

/**
 * Reads a map.
 *
 * @return HEC_OK, HEC_NOT_FOUND, HEC_DENIED, HEC_UNAVAILABLE, HEC_INVALID (file:line and what)
 */
HEC_CHECKED enum hec_status hec_import_map_load(struct hec_import_map *map, const char *path,
                                                struct hec_error *error);

#endif
