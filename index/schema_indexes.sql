-- SPDX-License-Identifier: Apache-2.0
-- What makes questions fast; made after the layers have been loaded, because sorting once is cheaper.

CREATE INDEX point_out ON point (blob, out_off);
