"""Functions of the engines that change nothing, and those whose value differs from row to row."""

VOLATILE = frozenset(
    "random clock_timestamp timeofday gen_random_uuid uuid_generate_v1 uuid_generate_v1mc uuid_generate_v4 uuidv4 "
    "uuidv7 nextval currval lastval setseed txid_current newid newsequentialid sys_guid uuid uuid_short rand "
    "generate_unique sysuuid gen_random_bytes gen_salt".split()
)
"""Functions that read or draw a new value for each row. (``now`` is one value for a whole transaction.)"""

_STABLE = frozenset(
    # text
    "ascii btrim char char_length character_length charindex chr concat concat_ws convert convert_from convert_to "
    "decode encode field find_in_set format hex initcap insert instr lcase left len length locate lower lpad ltrim "
    "md5 mid nchar nls_upper octet_length overlay position quote_ident quote_literal quote_nullable quotename "
    "regexp_count regexp_instr regexp_like regexp_match regexp_matches regexp_replace regexp_split_to_array "
    "regexp_split_to_table regexp_substr repeat replace replicate reverse right rpad rtrim sha sha1 sha2 sha224 sha256 "
    "sha384 sha512 soundex space split_part starts_with strcmp string_agg string_split string_to_array "
    "string_to_table strpos stuff substr substring substring_index to_hex translate trim ucase unhex unicode upper "
    "unaccent similarity patindex listagg group_concat xmlagg hashbytes standard_hash to_char to_nchar to_clob unistr "
    # numbers
    "abs acos asin atan atan2 cbrt ceil ceiling cos cot degrees div exp floor gcd greatest lcm least ln log log10 log2 "
    "mod pi power pow radians round scale sign sin sqrt square tan trunc truncate width_bucket to_number isnumeric "
    # choice and conversion
    "cast case coalesce decode if iff iif ifnull isnull nullif nvl nvl2 try_cast try_convert value varchar varchar2 "
    "nvarchar date time timestamp timestamptz datetime datetime2 decimal numeric integer int bigint smallint double "
    "float real text jsonb json uuid_to_bin crypt bin_to_uuid binary bool boolean interval digits xmlcast row "
    "array any "
    "all some in exists values over partition filter within not and or between like then when else as on select where "
    "from using distinct to_binary_double to_timestamp_tz hextoraw rawtohex parse try_parse choose "
    # dates
    "add_months age adddate addtime convert_tz curdate curtime current_date current_time current_timestamp date_add "
    "date_bin date_diff date_format date_part date_sub date_trunc dateadd datediff datediff_big datefromparts "
    "datename datepart datetime2fromparts datetimefromparts day dayname dayofmonth dayofweek dayofyear days eomonth "
    "extract from_days from_unixtime getdate getutcdate hour isfinite justify_days justify_hours last_day localtime "
    "localtimestamp make_date make_interval make_time make_timestamp make_timestamptz makedate maketime microsecond "
    "minute month monthname months_between new_time next_day now numtodsinterval numtoyminterval period_add quarter "
    "second sec_to_time statement_timestamp str_to_date subdate subtime switchoffset sysdate sysdatetime "
    "sysdatetimeoffset systimestamp sysutcdatetime time_format time_to_sec timediff timestampadd timestampdiff "
    "timezone to_date to_days to_timestamp todatetimeoffset transaction_timestamp unix_timestamp utc_date utc_time "
    "utc_timestamp week weekday weekofyear year yearweek to_dsinterval to_yminterval "
    # aggregates and windows
    "array_agg avg bit_and bit_or bit_xor bool_and bool_or count cume_dist dense_rank every first_value grouping "
    "json_agg json_arrayagg json_object_agg json_objectagg jsonb_agg jsonb_object_agg lag last_value lead max min "
    "mode nth_value ntile percent_rank percentile_cont percentile_disc rank row_number stddev stddev_pop stddev_samp "
    "sum var_pop var_samp variance checksum count_big checksum_agg "
    # json, arrays, ranges, search
    "array_append array_cat array_dims array_fill array_length array_lower array_ndims array_position array_positions "
    "array_prepend array_remove array_replace array_to_json array_to_string array_upper cardinality unnest "
    "generate_series generate_subscripts json_array json_array_elements json_array_elements_text json_array_length "
    "json_build_array json_build_object json_contains json_each json_each_text json_extract json_extract_path "
    "json_extract_path_text json_insert json_keys json_length json_merge json_merge_patch json_merge_preserve "
    "json_modify json_object json_object_keys json_populate_record json_query json_quote json_remove json_replace "
    "json_search json_set json_strip_nulls json_table json_to_record json_to_recordset json_type json_typeof "
    "json_unquote json_valid json_value isjson openjson jsonb_array_elements jsonb_array_elements_text "
    "jsonb_array_length jsonb_build_array jsonb_build_object jsonb_each jsonb_each_text jsonb_extract_path "
    "jsonb_extract_path_text jsonb_insert jsonb_object jsonb_object_keys jsonb_path_exists jsonb_path_query "
    "jsonb_path_query_array jsonb_path_query_first jsonb_populate_record jsonb_pretty jsonb_set jsonb_set_lax "
    "jsonb_strip_nulls jsonb_to_record jsonb_to_recordset jsonb_typeof row_to_json to_json to_jsonb hstore "
    "int4range int8range numrange tsrange tstzrange daterange lower_inc upper_inc isempty to_tsvector to_tsquery "
    "plainto_tsquery websearch_to_tsquery setweight ts_rank ts_headline "
    # the session and the catalogues
    "col_length col_name columnproperty current_database current_schema current_schemas current_setting current_user "
    "database db_id db_name has_table_privilege inet_client_addr object_id object_name object_definition "
    "objectproperty "
    "pg_get_constraintdef pg_get_expr pg_get_indexdef pg_get_serial_sequence pg_get_userbyid pg_get_viewdef "
    "pg_relation_size pg_size_pretty pg_table_size pg_total_relation_size pg_typeof quote schema schema_id schema_name "
    "scope_identity ident_current last_insert_id session_user suser_name suser_sname system_user to_regclass "
    "to_regnamespace to_regproc to_regtype type_id user user_id user_name version format_type obj_description "
    "col_description error_message error_number serverproperty databasepropertyex indexproperty sys_context userenv "
    "sys_extract_utc xmltype empty_clob empty_blob sys_guid_to_raw nlssort "
    "uid row_count rowcount_big identity found_rows host_name app_name bit_length bit_count crc32 inet_aton inet_ntoa "
    "st_geomfromtext st_point st_setsrid st_makepoint st_x st_y point st_astext st_transform st_buffer st_intersects "
    "geomfromtext".split()
)


def is_stable(name: str) -> bool:
    """Whether the function is one of the engines' own that changes nothing and has one value in a statement."""
    return name.lower() in _STABLE


def changes_nothing(name: str) -> bool:
    """Whether the function is one of the engines' own that changes neither rows nor structure."""
    lower = name.lower()
    return lower in _STABLE or (lower in VOLATILE and lower != "setseed")
