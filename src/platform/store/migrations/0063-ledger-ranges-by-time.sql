-- With the time of each stretch: a search of some hours reads their rows alone, however many the day has.
DROP INDEX ledger_requests_ranges;
CREATE INDEX ledger_requests_ranges ON ledger_requests USING brin (
  at timestamptz_minmax_ops,
  latency_ms float4_minmax_multi_ops,
  time_to_first_token_ms float4_minmax_multi_ops,
  queue_ms float4_minmax_multi_ops,
  prefill_ms float4_minmax_multi_ops,
  decode_ms float4_minmax_multi_ops,
  prompt_tokens int4_minmax_multi_ops,
  completion_tokens int4_minmax_multi_ops,
  status int2_minmax_multi_ops,
  limiter text_bloom_ops (n_distinct_per_range = 16),
  error text_bloom_ops (n_distinct_per_range = 16),
  reason text_bloom_ops (n_distinct_per_range = 16),
  finish_reason text_bloom_ops (n_distinct_per_range = 16),
  model text_bloom_ops (n_distinct_per_range = 16),
  route text_bloom_ops (n_distinct_per_range = 16)
) WITH (pages_per_range = 64);
